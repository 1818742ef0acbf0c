"""Where training happens: a Dask cluster, by default one of this machine that nobody else can use.

The embedded cluster listens on the loopback interface alone and talks TLS: its certificate is made at every start and
kept in a folder that only this user can read, and a connection without it is refused. Its processes end when the
process that started them does, however that ends.
"""

import asyncio
import os
import shutil
import sys
import tempfile
import threading
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
import dask
from distributed import Client, LocalCluster, Nanny, Security
from distributed.deploy.spec import SpecCluster
from distributed.deploy.subprocess import SubprocessCluster

from core.settings import PROJECT

PROCESSES = sys.platform != "win32"
"""Dask's SubprocessCluster, which alone works inside a Streamlit page, has no Windows; workers are threads there."""
LOOPBACK = "127.0.0.1"
NICENESS = 5
"""By how much training gives way to other programs of this machine, on Unix's scale from 0 to 19."""

# For this process and for those of the cluster, which import this module first: nobody looks at Dask's own web pages,
# and a scheduler that keeps a thousand events of every run, as by default, grows for ever.
dask.config.set(
    {
        "distributed.scheduler.http.routes": [],
        "distributed.worker.http.routes": [],
        "distributed.admin.low-level-log-length": 10,
    }
)


class ClusterLost(Exception):
    """The cluster is gone; runs that were under way have to go on in another one."""


@dataclass(frozen=True)
class Connection:
    """A client of a cluster that runs may be submitted to."""

    client: Client
    cluster: SpecCluster | None = None
    """None for an outside scheduler."""

    @property
    def embedded(self) -> bool:
        """Whether the workers read the same disk as this process."""
        return self.cluster is not None

    async def slots(self) -> int:
        """How many runs may go on at once: the worker threads that are there now."""
        return sum((await asyncio.wait_for(self.client.nthreads(), 60)).values())

    async def keep(self) -> None:
        """Replace workers whose processes have ended for good; raise `ClusterLost` if no work can be done here."""
        if self.client.status != "running":
            raise ClusterLost("the scheduler is gone")
        if self.cluster is None:
            return
        workers = self.cluster.workers
        ended = [name for name, worker in workers.items() if _has_ended(worker)]
        if _has_ended(self.cluster.scheduler) or len(ended) == len(workers):
            raise ClusterLost("the processes of the cluster ended, the terminal says why")
        for name in ended:
            await workers.pop(name).close()
        self.cluster.scale(len(self.cluster.worker_spec))


def _has_ended(server: Any) -> bool:
    process = getattr(server, "process", None)  # none in a cluster of threads
    return process is not None and process.returncode is not None


@asynccontextmanager
async def connect(scheduler: str | None, workers: int, processes: bool = PROCESSES) -> AsyncIterator[Connection]:
    """A connection to the scheduler of that address, or to an embedded cluster made for it.

    An outside scheduler is reached with Dask's own configuration, for example the environment variables
    ``DASK_DISTRIBUTED__COMM__TLS__CA_FILE``, ``..__CLIENT__CERT`` and ``..__CLIENT__KEY``.
    """
    if scheduler:
        async with _client(scheduler) as client:
            yield Connection(client)
    elif processes:
        async with _subprocesses(workers) as cluster, _client(cluster) as client:
            yield Connection(client, cluster)
    else:
        async with _threads(workers) as cluster, _client(cluster) as client:
            yield Connection(client, cluster)


@asynccontextmanager
async def _client(where: SpecCluster | str) -> AsyncIterator[Client]:
    client = Client(where, asynchronous=True, set_as_default=False)
    try:
        yield await client
    finally:  # also after a failed start, which `async with Client` leaves open
        await client.close()


@asynccontextmanager
async def _subprocesses(workers: int) -> AsyncIterator[SpecCluster]:
    """A scheduler and workers, each in a process of its own."""
    folder = Path(tempfile.mkdtemp(prefix="hybrid-transfer-lab-"))  # mode 0700: its files are for this user alone
    try:
        tls = await asyncio.to_thread(_write_credentials, folder)
        guard = {"preload": ["core.work.cluster"], "preload_argv": [str(os.getpid()), str(folder)]}
        _prepare_environment()
        # A killed worker is started anew by its nanny; a slow machine needs longer for that than Dask's 15 s.
        with dask.config.set({"distributed.deploy.lost-worker-timeout": "60s"}):
            async with SubprocessCluster(
                host=LOOPBACK,
                dashboard_address=f"{LOOPBACK}:0",
                n_workers=workers,
                threads_per_worker=1,
                scheduler_kwargs={
                    "dashboard": False,
                    "security": tls,
                    "scheduler_file": str(folder / "scheduler.json"),
                    "allowed_failures": 0,  # core.work.queue tries again itself, from the last checkpoint
                    **guard,
                },
                worker_kwargs={
                    "security": tls,
                    "dashboard_address": f"{LOOPBACK}:0",
                    "local_directory": str(folder),
                    **{name.replace("preload", "preload_nanny"): value for name, value in guard.items()},
                    "preload": ["core.work.worker"],
                },
                security=Security(**tls),
                asynchronous=True,
            ) as cluster:
                drain = asyncio.create_task(_pass_on(cluster.scheduler.process.stderr))
                try:
                    yield cluster
                finally:
                    drain.cancel()
                    if _has_ended(cluster.scheduler):  # do not wait for it to shut down politely
                        await cluster.scheduler.close()
                        cluster.shutdown_scheduler = False
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _write_credentials(folder: Path) -> dict[str, str | bool]:
    """Write a new certificate and key; Dask's settings that name the files.

    The files are named, not their content, because arguments of a process can be read by every user of the machine.
    """
    secret = Security.temporary()
    certificate, key = folder / "certificate.pem", folder / "key.pem"
    certificate.write_text(secret.tls_ca_file)
    key.touch(mode=0o600)
    key.write_text(secret.tls_client_key)
    roles = ("client", "scheduler", "worker")
    return {
        "require_encryption": True,
        "tls_ca_file": str(certificate),
        **{f"tls_{role}_cert": str(certificate) for role in roles},
        **{f"tls_{role}_key": str(key) for role in roles},
    }


async def _pass_on(stream: asyncio.StreamReader) -> None:
    """Pass on what the scheduler writes: nobody else reads that pipe, and a full one would stop the scheduler."""
    async for line in stream:
        sys.stderr.write(line.decode(errors="replace"))


def _prepare_environment() -> None:
    """Let the processes of the cluster find `core`, wherever this one was started, and be quiet."""
    paths = os.environ.get("PYTHONPATH", "").split(os.pathsep)
    if str(PROJECT) not in paths:
        os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, [str(PROJECT), *paths]))
    os.environ.setdefault("DASK_LOGGING__DISTRIBUTED", "warning")


@click.command()
@click.argument("owner", type=int)
@click.argument("folder")
def dask_setup(server: object, owner: int, folder: str) -> None:
    """Called by Dask in its scheduler and in the parents of workers: end the process once its owner is gone."""

    def watch() -> None:
        while os.getppid() == owner:
            time.sleep(0.25)
        shutil.rmtree(folder, ignore_errors=True)
        os._exit(0)

    os.setpgrp()  # Ctrl-C in the terminal is for the owner, which then ends its runs in good order
    if isinstance(server, Nanny):  # its worker inherits this: training slows neither the page nor the news for it
        os.nice(NICENESS)
    threading.Thread(target=watch, name="end-with-owner", daemon=True).start()


@asynccontextmanager
async def _threads(workers: int) -> AsyncIterator[SpecCluster]:
    """Workers in this process, where the platform leaves no better: no port at all, but they share one interpreter."""
    async with LocalCluster(
        processes=False,
        n_workers=workers,
        threads_per_worker=1,
        dashboard_address=f"{LOOPBACK}:0",
        worker_dashboard_address=f"{LOOPBACK}:0",
        preload=["core.work.worker"],
        asynchronous=True,
    ) as cluster:
        yield cluster
