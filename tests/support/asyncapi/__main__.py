"""python -m tests.support.asyncapi      writes schemas/asyncapi.yaml and docs/topics.md again."""

from tests.support.asyncapi.files import FILES

for path, text in FILES.items():
    path.write_text(text(), encoding="utf-8")
