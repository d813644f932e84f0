"""Where trials are made."""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, ValidationInfo, field_validator

from ser_tui.study.section import Section, one_or_more

ClusterKind = Literal["none", "local", "ssh", "slurm", "pbs", "sge", "lsf"]
JOB_SYSTEMS = ("slurm", "pbs", "sge", "lsf")
_ADDRESS = re.compile(r"(tcp|tls|ws|wss)://[^\s/]+:\d{1,5}")

MOST_PORT = 65535


class ExecutorChoice(Section):
    """Where trials are made: by processes of this machine, or by the workers of a Dask cluster, on as many machines as it has."""

    kind: Literal["local", "dask"] = Field(
        "local", title="executor", description="where trials run: local, on this machine; dask, on the workers of a Dask cluster"
    )
    scheduler: str = Field(
        "", max_length=1000, title="scheduler", description="a running Dask scheduler's address, such as tcp://10.0.0.1:8786"
    )
    """Its workers make the trials; `workers` of the study says how many of them at most."""
    cluster: ClusterKind = Field(
        "none", title="cluster", description="or a cluster that the run starts itself, and ends", validate_default=True
    )
    """local: worker processes of this machine; ssh: of the machines in `hosts`; slurm, pbs, sge, lsf: jobs of such a system, by the package
    dask-jobqueue. `workers` of the study says how many."""
    hosts: Annotated[tuple[str, ...], BeforeValidator(one_or_more)] = Field(
        (),
        max_length=1000,
        title="hosts",
        description="of an ssh cluster: the first runs the scheduler, each other one a worker",
        validate_default=True,
    )
    threads: int | None = Field(
        None, ge=1, le=1024, title="threads", description="of each worker of a cluster that the run starts; empty: its share"
    )
    settings: dict[str, Any] = Field({}, max_length=100, title="settings", description="of the cluster, as its class in Dask has them")
    """Passed through under their names: `queue`, `account`, `walltime`, `memory` ... of a Slurm cluster. A name that the class does not
    have is refused."""

    @property
    def is_dask(self) -> bool:
        """Whether a Dask cluster makes the trials."""
        return self.kind == "dask"

    @field_validator("scheduler")
    @classmethod
    def _address(cls, value: str, info: ValidationInfo) -> str:
        if value and info.data.get("kind") == "local":
            raise ValueError("is read with kind: dask alone; leave it out, or write that")
        if value and not _ADDRESS.fullmatch(value):
            raise ValueError("write it with its port, such as tcp://10.0.0.1:8786: the scheduler says it when it starts")
        if value and int(value.rpartition(":")[2]) > MOST_PORT:
            raise ValueError(f"its port {value.rpartition(':')[2]} is none: they go up to {MOST_PORT}")
        return value

    @field_validator("cluster")
    @classmethod
    def _one_of_both(cls, value: str, info: ValidationInfo) -> str:
        kind, address = info.data.get("kind"), info.data.get("scheduler")
        if kind == "local" and value != "none":
            raise ValueError("is read with kind: dask alone; leave it out, or write that")
        if kind == "dask" and address is not None and bool(address) == (value != "none"):
            wanted = "give the address of a scheduler, or one of local, ssh, slurm, pbs, sge, lsf"
            raise ValueError(f"{wanted}, not both" if address else wanted)
        return value

    @field_validator("hosts")
    @classmethod
    def _hosts_of_ssh(cls, value: tuple[str, ...], info: ValidationInfo) -> tuple[str, ...]:
        ssh = info.data.get("cluster") == "ssh"
        if value and not ssh:
            raise ValueError("are read with cluster: ssh alone; leave them out, or write that")
        if ssh and len(value) < 2:
            raise ValueError("name two at least: the first runs the scheduler, each other one a worker; a host may be named twice")
        return value

    @field_validator("threads", "settings")
    @classmethod
    def _of_a_cluster(cls, value: Any, info: ValidationInfo) -> Any:
        if value and info.data.get("cluster") == "none":
            raise ValueError("is of a cluster that the run starts; leave it out, or name the cluster")
        return value
