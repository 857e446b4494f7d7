"""The process: `python -m deploy.embedded.clickhouse --path DIR --port N`."""

import sys

from deploy.embedded.clickhouse.serving import plain, serve

if __name__ == "__main__":
    sys.exit(serve(plain))
