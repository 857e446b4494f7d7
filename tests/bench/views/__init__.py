"""`make bench-views`: how long analysts wait for views and questions over a large ledger, before and after."""
