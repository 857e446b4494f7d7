"""Every question of analysts on hundreds of random books, on ClickHouse's engine, beside the naive book."""
