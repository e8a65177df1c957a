"""Facts (事实): their schemas, the ports of the warehouse that keeps them, and what an order is worth."""
