"""The dashboards of deploy/grafana, made by code: their SQL is run, and their metrics are looked up, in tests.

python -m tests.support.dashboards      writes deploy/grafana/dashboards
"""
