"""What the whole service costs when little or nothing is reported: `make bench-quiet`."""
