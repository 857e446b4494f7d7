"""`python -m deploy.embedded`: fetch what the embedded Kafka needs, so that later starts need no network."""

import sys

from rich.console import Console

from deploy.embedded.error import StackError
from deploy.embedded.jars import kafka_jars

if __name__ == "__main__":
    try:
        kafka_jars(Console(stderr=True))
    except StackError as error:
        sys.exit(f"peserta: {error}")
