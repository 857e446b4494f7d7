"""How a running worker is asked how it is: an HTTP endpoint in each (`/livez`, `/readyz`, `/metrics`), the file that
says where it is, and asking it."""
