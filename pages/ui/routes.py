"""What the dashboard's server answers beside Streamlit: news of runs, plotly.js, circuits, and decision regions."""

import asyncio
import gzip
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import cache
from typing import Any

import plotly
import plotly.offline
import streamlit as st
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket

from core.errors import LabError

LIVE_PATH = "/live"
PLOTLY_PATH = f"/plotly-{plotly.__version__}.min.js"
CIRCUIT_PATH = "/circuit.svg"
CIRCUITS_PATH = "/circuits.json"
REGIONS_PATH = "/regions.json"
FOR_GOOD = "public, max-age=31536000, immutable"


def address(path: str) -> str:
    """Where a browser finds one of these paths, also when the dashboard lies below a folder of its host."""
    base = st.get_option("server.baseUrlPath").strip("/")
    return f"/{base}{path}" if base else path


@asynccontextmanager
async def warm_up(app: Any) -> AsyncIterator[None]:
    """Start the workers with the server, so that the first visitor need not wait for them."""
    waiting = asyncio.create_task(asyncio.to_thread(_channel_or_none))
    yield
    await waiting


async def live(socket: WebSocket) -> None:
    """News of the runs that a page shows."""
    channel = await asyncio.to_thread(_channel_or_none)
    if channel is None:
        await socket.close(1011)
    else:
        await channel.serve(socket)


async def plotly_js(request: Request) -> Response:
    """The library of all charts, compressed once and kept by browsers for good."""
    body, headers = await asyncio.to_thread(_plotly), {"Cache-Control": FOR_GOOD, "Vary": "Accept-Encoding"}
    if "gzip" in request.headers.get("accept-encoding", ""):
        return Response(body, headers=headers | {"Content-Encoding": "gzip"}, media_type="text/javascript")
    return Response(gzip.decompress(body), headers=headers, media_type="text/javascript")


async def circuit_svg(request: Request) -> Response:
    """PennyLane's drawing of the circuit that the query describes, as a file to keep."""
    from pages.ui.circuit import drawn_by_pennylane

    try:
        svg = await asyncio.wrap_future(drawn_by_pennylane(dict(request.query_params)))
    except LabError as error:
        return PlainTextResponse(f"{error}\n", 400)
    headers = {"Content-Disposition": 'attachment; filename="circuit.svg"', "Content-Security-Policy": "sandbox"}
    return Response(svg, headers=headers, media_type="image/svg+xml")


async def circuits_json(request: Request) -> Response:
    """Blocks of the circuits that sliders reach, for a browser that draws while one of them moves."""
    from pages.ui.circuit import circuits_of_every_size

    try:
        return JSONResponse(await asyncio.to_thread(circuits_of_every_size, dict(request.query_params)))
    except LabError as error:
        return PlainTextResponse(f"{error}\n", 400)


async def regions_json(request: Request) -> Response:
    """What the networks of some runs say of the plane at this moment."""
    from pages.ui.regions import regions_now

    try:
        return JSONResponse(await regions_now(request.query_params.get("runs", "")))
    except LabError as error:
        return PlainTextResponse(f"{error}\n", 400)


ROUTES = [
    WebSocketRoute(LIVE_PATH, live),
    Route(PLOTLY_PATH, plotly_js),
    Route(CIRCUIT_PATH, circuit_svg),
    Route(CIRCUITS_PATH, circuits_json),
    Route(REGIONS_PATH, regions_json),
]


@cache
def _plotly() -> bytes:
    return gzip.compress(plotly.offline.get_plotlyjs().encode(), 9, mtime=0)


def _channel_or_none() -> Any:
    """The channel of this server; None when its settings are not possible, which the page explains."""
    from pages.ui.service import channel

    try:
        return channel()
    except LabError:
        return None
