"""Sources (数据源): read files of orders, events, products and people into Arrow batches."""
