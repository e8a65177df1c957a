"""Strategy (策略): strategies, plays, the touch plan, allocation, uplift."""
