"""`/docs`: the OpenAPI document as a page. The page has no script and loads nothing from other places."""

import json
from collections.abc import Iterable, Iterator, Mapping
from html import escape
from string import Template
from typing import Any, Final

STYLE: Final = """
body { font: 16px/1.5 system-ui, sans-serif; max-width: 56rem; margin: 2rem auto; padding: 0 1rem; color: #1a1a1a;
  background: #fff; }
h1, h2, h3 { line-height: 1.2; } h2 { margin-top: 2.5rem; border-top: 1px solid #ccc; padding-top: 1rem; }
code, pre { font: 14px/1.45 ui-monospace, monospace; } pre { background: #f4f4f4; padding: .75rem; overflow-x: auto; }
table { border-collapse: collapse; width: 100%; } th, td { text-align: left; vertical-align: top; padding: .3rem .6rem;
  border-bottom: 1px solid #ddd; }
@media (prefers-color-scheme: dark) { body { color: #eee; background: #161616; } pre { background: #262626; } }
"""
PAGE: Final = Template("""<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>$title</title><style>$style</style></head>
<body><main><h1>$title</h1><p>$description</p>
<p>The same for programs: <a href="/openapi.json">/openapi.json</a> (OpenAPI $openapi).</p>
<nav aria-label="Calls"><ul>$index</ul></nav>
$calls
<h2 id="reasons">Reasons for which a fact is refused</h2>
<table><thead><tr><th scope="col">reason</th><th scope="col">meaning</th></tr></thead><tbody>$reasons</tbody></table>
</main></body></html>
""")
CALL: Final = Template("""<h2 id="$anchor"><code>$method $path</code></h2>
<p><strong>$summary</strong></p><p>$description</p>
$parameters$bodies<h3>Answers</h3>
<table><thead><tr><th scope="col">status</th><th scope="col">meaning</th><th scope="col">content</th></tr></thead>
<tbody>$answers</tbody></table>
$examples""")


def page(document: Mapping[str, Any], reasons: Mapping[str, str]) -> str:
    """The page as HTML. All text of the document is escaped."""
    calls = list(_calls(document))
    return PAGE.substitute(
        title=escape(document["info"]["title"]),
        style=STYLE,
        description=escape(document["info"].get("description", "")),
        openapi=escape(document["openapi"]),
        index="".join(
            f'<li><a href="#{_anchor(method, path)}"><code>{escape(method.upper())} {escape(path)}</code></a> '
            f"{escape(call.get('summary', ''))}</li>"
            for method, path, call in calls
        ),
        calls="".join(_call(method, path, call) for method, path, call in calls),
        reasons=_rows((f"<code>{escape(name)}</code>", escape(words)) for name, words in reasons.items()),
    )


def _calls(document: Mapping[str, Any]) -> Iterator[tuple[str, str, Mapping[str, Any]]]:
    for path, methods in document["paths"].items():
        for method, call in methods.items():
            yield method, path, call


def _call(method: str, path: str, call: Mapping[str, Any]) -> str:
    bodies = call.get("requestBody", {}).get("content", {})
    return CALL.substitute(
        anchor=_anchor(method, path),
        method=escape(method.upper()),
        path=escape(path),
        summary=escape(call.get("summary", "")),
        description=escape(call.get("description", "")),
        parameters=_parameters(call.get("parameters", ())),
        bodies="".join(_example(f"Body, {media}", content.get("example")) for media, content in bodies.items()),
        answers=_rows(
            (
                f"<code>{escape(status)}</code>",
                escape(answer["description"]),
                escape(", ".join(answer.get("content", {}))),
            )
            for status, answer in call["responses"].items()
        ),
        examples="".join(
            _example(f"Answer {status}", content.get("example"))
            for status, answer in call["responses"].items()
            for content in answer.get("content", {}).values()
        ),
    )


def _parameters(parameters: Iterable[Mapping[str, Any]]) -> str:
    rows = [
        (f"<code>{escape(one['name'])}</code>", escape(one["in"]), escape(one.get("description", "")))
        for one in parameters
    ]
    return f"<h3>Parameters</h3><table><tbody>{_rows(rows)}</tbody></table>" if rows else ""


def _example(title: str, example: Any) -> str:
    if example is None:
        return ""
    text = example if isinstance(example, str) else json.dumps(example, indent=2, ensure_ascii=False)
    return f'<h3>{escape(title)}</h3><pre tabindex="0">{escape(text)}</pre>'


def _rows(rows: Iterable[Iterable[str]]) -> str:
    return "".join(f"<tr>{''.join(f'<td>{cell}</td>' for cell in row)}</tr>" for row in rows)


def _anchor(method: str, path: str) -> str:
    return escape(f"{method}{path}".translate(str.maketrans("/{}", "---")))
