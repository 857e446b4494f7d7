"""What analysts ask, one file of SQL a question (SEMANTICS 14). The views answer; no table is known here.

A file has a header of comments (`headers` says its form) and one SELECT over the views, with parameters `{name:String}`
that any ClickHouse client can give. Dates are written YYYY-MM-DD, instants as RFC 3339 with an offset.
"""
