"""nvcr.io: tokens and manifests, as far as somebody asks whether an image may be pulled. It has every image of the catalog.

Its challenge is nginx', with the scope inside the realm's URL. Fault `registry.image {"image": …}` takes one away.
"""

from __future__ import annotations

import base64
import binascii
from typing import Annotated, Final

from fastapi import FastAPI, Header, Response
from fastapi.responses import JSONResponse

from rehearsal.services.internet.keys import PREFIX, UNAUTHORIZED, bearer, refusal
from rehearsal.switches import Image, Switches, read
from sdg.catalog.nims import nims

REALM: Final = "https://nvcr.io/proxy_auth"
USER: Final = "$oauthtoken"
HOST: Final = "nvcr.io/"
NOT_FOUND = 404
MANIFEST: Final = "application/vnd.oci.image.index.v1+json"
_PAGES: Final = {401: "401 Authorization Required", 403: "403 Forbidden"}


def create_app(faults: Switches) -> FastAPI:
    """The app of nvcr.io."""
    app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)

    @app.get("/proxy_auth")
    def _token(authorization: Annotated[str | None, Header()] = None) -> Response:
        status = refusal(_password(authorization), faults)
        return _page(status) if status else JSONResponse({"token": f"{PREFIX}token-of-{USER}"})

    @app.api_route("/v2/{name:path}/manifests/{tag}", methods=["GET", "HEAD"])
    def _manifest(name: str, tag: str, authorization: Annotated[str | None, Header()] = None) -> Response:
        if not bearer(authorization):
            answer = _page(UNAUTHORIZED)
            answer.headers["Www-Authenticate"] = f'Bearer realm="{REALM}?scope=repository:{name}:pull,push"'
            return answer
        if status := refusal(bearer(authorization), faults):
            return _page(status)
        if f"{name}:{tag}" not in _images(faults):
            return JSONResponse({"errors": [{"code": "MANIFEST_UNKNOWN", "message": "manifest unknown"}]}, NOT_FOUND)
        return Response("{}", media_type=MANIFEST)

    @app.get("/v2/")
    def _root() -> Response:
        answer = _page(UNAUTHORIZED)
        answer.headers["Www-Authenticate"] = f'Bearer realm="{REALM}"'
        return answer

    return app


def _images(faults: Switches) -> set[str]:
    gone = read(faults, "registry.image", Image)
    absent = gone.image.removeprefix(HOST) if gone else ""
    return {nim.image.removeprefix(HOST) for nim in nims().values() if nim.image.startswith(HOST)} - {absent}


def _password(authorization: str | None) -> str:
    """The key that somebody logs in with; empty when it is not the user that goes with keys."""
    kind, _, encoded = (authorization or "").partition(" ")
    try:
        user, _, password = base64.b64decode(encoded, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return ""
    return password if kind.lower() == "basic" and user == USER else ""


def _page(status: int) -> Response:
    words = _PAGES[status]
    return Response(f"<html><head><title>{words}</title></head><body><h1>{words}</h1></body></html>", status, media_type="text/html")
