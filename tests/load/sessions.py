"""Open pages without browsers: each speaks Streamlit's own protocol to the dashboard, and draws nothing.

A `Session` opens a page, presses buttons and counts what it receives; `Live` learns of the end of its runs.
"""

import asyncio
import json
import time
from collections import Counter
from contextlib import suppress
from types import TracebackType
from typing import Any
from urllib.parse import urljoin

from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from streamlit.proto.WidgetStates_pb2 import WidgetState
from websockets.asyncio.client import ClientConnection, connect

OPENING_SECONDS = 60.0
"""A server that is busy may leave a connection waiting so long."""


class Session:
    """One page of one visitor.

    Args:
        url: address of the dashboard, without the part after the question mark.
        query: that part.
    """

    def __init__(self, url: str, query: str = "") -> None:
        self.url = url
        self.received = 0
        """Bytes that Streamlit has sent so far."""
        self.faults: list[str] = []
        """What a visitor should never get: exceptions on the page, and messages that a browser may have forgotten."""
        self.buttons: dict[str, tuple[str, bool]] = {}
        """Key of a button → its id, and whether it can be pressed."""
        self.line: dict[str, Any] = {}
        """What the page's own line to the server is given: address, runs, drawn epochs of each, page."""
        self.ends: Counter[int] = Counter()
        """Way in which a run of the page ended, as Streamlit numbers them → how often."""
        self._query = query
        self._page = ""
        self._gone = False
        self._news = asyncio.Condition()
        self._socket: ClientConnection | None = None
        self._reading: asyncio.Task[None] | None = None

    async def __aenter__(self) -> "Session":
        address = self.url.replace("http", "ws", 1) + "/_stcore/stream"
        self._socket = await connect(
            address, subprotocols=["streamlit"], max_size=None, open_timeout=OPENING_SECONDS, ping_interval=None
        )
        self._reading = asyncio.create_task(self._read(self._socket))
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._reading
        assert self._socket
        self._reading.cancel()
        await self._socket.close()

    async def draw(self) -> float:
        """Have the page drawn; seconds until all of it has been received."""
        return await self._rerun([])

    async def press(self, key: str) -> float:
        """Press the button of that key; seconds until the page is drawn."""
        button, enabled = self.buttons[key]
        if not enabled:
            raise AssertionError(f"the button {key} cannot be pressed")
        return await self._rerun([WidgetState(id=button, trigger_value=True)])

    async def _rerun(self, widgets: list[WidgetState]) -> float:
        assert self._socket
        assert self._reading
        request = BackMsg()
        request.rerun_script.query_string = self._query
        request.rerun_script.page_script_hash = self._page
        request.rerun_script.widget_states.widgets.extend(widgets)
        request.rerun_script.context_info.url = self.url
        request.rerun_script.context_info.color_scheme = "light"
        ends, began = self._whole(), time.monotonic()
        await self._socket.send(request.SerializeToString())
        async with self._news:
            await self._news.wait_for(lambda: self._whole() > ends or self._gone)
        if self._gone:
            await self._reading
            raise AssertionError("the server hung up")
        return time.monotonic() - began

    def _whole(self) -> int:
        """How often all of the page has been drawn to its end; a run that gives way to another does not count."""
        return self.ends[ForwardMsg.FINISHED_SUCCESSFULLY] + self.ends[ForwardMsg.FINISHED_WITH_COMPILE_ERROR]

    async def _read(self, socket: ClientConnection) -> None:
        try:
            async for data in socket:
                assert isinstance(data, bytes)
                self.received += len(data)
                message = ForwardMsg.FromString(data)
                self._understand(message)
                if message.HasField("script_finished"):
                    async with self._news:
                        self.ends[message.script_finished] += 1
                        self._news.notify_all()
        finally:
            self._gone = True
            async with self._news:
                self._news.notify_all()

    def _understand(self, message: ForwardMsg) -> None:
        if message.metadata.cacheable or message.HasField("ref_hash"):
            place, size = list(message.metadata.delta_path), message.ByteSize()
            self.faults.append(f"{size} bytes for {place} that the browser is meant to keep")
        match message.WhichOneof("type"):
            case "new_session":
                self._page = message.new_session.page_script_hash
            case "navigation":
                self._page = message.navigation.page_script_hash
            case "page_info_changed":
                self._query = message.page_info_changed.query_string
            case "delta":
                element = message.delta.new_element
                if element.HasField("button"):
                    button = element.button
                    self.buttons[button.id.rsplit("-", 1)[-1]] = (button.id, not button.disabled)
                elif element.bidi_component.id.endswith("-news"):
                    self.line = json.loads(element.bidi_component.json)
                elif element.HasField("exception"):
                    self.faults.append(f"{element.exception.type}: {element.exception.message}")


class Live:
    """A page's own line to the server, over which it hears what becomes of its runs; what `news.js` does in a browser.

    Args:
        session: the page, drawn.
    """

    def __init__(self, session: Session) -> None:
        self.sizes: list[int] = []
        """Bytes of each message."""
        self._session = session
        self._told: asyncio.Future[float] = asyncio.get_running_loop().create_future()
        self._listening = asyncio.create_task(self._listen())

    async def until_end(self) -> float:
        """`time.time()` of the message that the runs have finished; returns when the page with the results is there."""
        await asyncio.wait({self._told, self._listening}, return_when=asyncio.FIRST_COMPLETED)
        if not self._told.done():
            await self._listening
            raise AssertionError(f"the server hung up before the end of {self._session.line['runs']}")
        return self._told.result()

    async def leave(self) -> None:
        """Hang up; an error that came after the end is raised here."""
        self._listening.cancel()
        with suppress(asyncio.CancelledError):
            await self._listening

    async def _listen(self) -> None:
        address = urljoin(self._session.url.replace("http", "ws", 1), self._session.line["address"])
        async with connect(address, open_timeout=OPENING_SECONDS, ping_interval=None) as socket:
            await self._say(socket)
            async for text in socket:
                self.sizes.append(len(text))
                news = json.loads(text)
                finished = 'class="dot finished"' in news.get("status", "")
                heard = time.time()
                if "page" in news and news["page"] != self._session.line["page"]:
                    await asyncio.sleep(news["after"])
                    await self._session.draw()
                    await self._say(socket)
                if finished and not self._told.done():
                    self._told.set_result(heard)

    async def _say(self, socket: ClientConnection) -> None:
        """Which runs the page shows, and how much of them it has drawn."""
        await socket.send(json.dumps({name: self._session.line[name] for name in ("runs", "drawn")}))
