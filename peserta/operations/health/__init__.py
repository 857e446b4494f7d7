"""The health of running workers: an HTTP endpoint in each (`/livez`, `/readyz`, `/metrics`), the file with its address,
and requests to it."""
