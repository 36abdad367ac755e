"""The interface as a whole: its parts, its errors, how answers are written, and its document."""

from __future__ import annotations

from typing import Any

import msgspec
from django.http import HttpRequest, HttpResponse
from ninja import NinjaAPI, Swagger
from ninja.openapi.schema import OpenAPISchema
from ninja.operation import Operation
from ninja.renderers import BaseRenderer

from events.api import fights, happenings, now, places, replays
from events.api.access import Scope, readers
from events.api.problems import CONTENT_TYPE, Problem, answer_with_problems, problem

DESCRIPTION = """What reStrike VTA recorded, for other programs. It can be read and not changed.

Send `Authorization: Bearer` and a token that a manager made under *API tokens*, or sign in to [the pages](/)
in this browser. Lists come in pages: ask again with `cursor` set to `next` until that is null. Errors are
[problem objects](https://www.rfc-editor.org/rfc/rfc9457)."""
#: What can go wrong with any operation.
FAILURES = {
    401: "No token, or none that opens anything.",
    403: "The token or the account may not see this.",
    422: "Parameters that make no sense; `errors` says which.",
    503: "The database does not answer.",
}


class JsonRenderer(BaseRenderer):
    """Times keep their microseconds, which Django's encoder cuts off."""

    media_type = "application/json"

    def render(self, request: HttpRequest, data: Any, *, response_status: int) -> bytes:
        return msgspec.json.encode(data)


class ReadApi(NinjaAPI):
    def get_openapi_operation_id(self, operation: Operation) -> str:
        # What generated clients call it: without the module it lies in.
        return str(operation.view_func.__name__)

    def get_openapi_schema(self, *args: Any, **kwargs: Any) -> OpenAPISchema:
        document = super().get_openapi_schema(*args, **kwargs)
        document["components"]["schemas"]["Problem"] = Problem.model_json_schema(
            ref_template="#/components/schemas/{model}"
        )
        document["components"]["schemas"] |= document["components"]["schemas"]["Problem"].pop("$defs", {})
        content = {CONTENT_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}
        for path, operations in document["paths"].items():
            failures = FAILURES | ({404: "There is no such thing."} if "{" in path else {})
            for operation in operations.values():
                for status, words in failures.items():
                    operation["responses"][status] = {"description": words, "content": content}
        return document


api = ReadApi(
    title="reStrike VTA",
    version="1",
    description=DESCRIPTION,
    urls_namespace="api-1",
    renderer=JsonRenderer(),
    # Nothing is fetched from elsewhere: neither the page nor a badge about its document.
    docs=Swagger(settings={"validatorUrl": "none", "docExpansion": "list", "persistAuthorization": True}),
    docs_url=None,
    openapi_url=None,
)
for part in (places, fights, happenings, now, replays):
    api.add_router("", part.router)
answer_with_problems(api)
document_readers = readers("events.view_pssevent", scopes=(Scope.LIVE,))


@api.get("/openapi.json", include_in_schema=False, auth=document_readers, url_name="openapi-json")
def openapi(request: HttpRequest) -> HttpResponse:
    """The OpenAPI document."""
    return HttpResponse(msgspec.json.encode(api.get_openapi_schema()), "application/json")


def docs(request: HttpRequest) -> HttpResponse:
    """The page to read about the interface and to try it; with the files that come with django-ninja."""
    return api.docs.render_page(request, api)


def nothing_here(request: HttpRequest) -> HttpResponse:
    """An address below `/api/` that is none: not the sign-in page, which programs cannot read."""
    return problem(404, "There is nothing at this address. /api/v1/docs lists what there is.")
