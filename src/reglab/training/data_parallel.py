"""One training on several processes, each with its share of every batch: what Lightning's strategy `ddp` needs from here.

    for batch in batches of the keyed order:
        every rank r of R takes its rows r, r + R, r + 2 R, ...
        its loss l_r is multiplied by R n_r / n, where n_r of the n examples are its own
        the strategy averages the gradients over the ranks: 1/R sum_r R n_r/n grad l_r = grad (sum_r n_r l_r) / n

Source: S. Li and others (2020), PyTorch distributed: experiences on accelerating data parallel training, section 3.
"""

import os
import socket
from collections.abc import Iterator
from dataclasses import dataclass

import torch
from pytorch_lightning.plugins.environments import ClusterEnvironment
from torch import Tensor, distributed

from reglab.core.streams import Moment
from reglab.data.loader import Batch, Loader
from reglab.runtime.processes import run_all
from reglab.training.settings import TrainerSettings
from reglab.training.supervised import Supervised

MAIN = "127.0.0.1"  # where the ranks of a single machine meet
PORTS = 1000  # from MASTER_PORT on, one for each seed


@dataclass
class Ranks(ClusterEnvironment):
    """A process of a training on several: it is number `local` of `devices` on machine `node` of `nodes`.

    All meet at `address` and `port`.
    """

    local: int
    devices: int
    node: int = 0
    nodes: int = 1
    address: str = MAIN
    port: int = 0

    @property
    def writes(self) -> bool:
        """Whether this process writes the files of its machine; the others write nothing."""
        return self.local == 0

    creates_processes_externally = True

    @property
    def main_address(self) -> str:
        return self.address

    @property
    def main_port(self) -> int:
        return self.port

    @staticmethod
    def detect() -> bool:
        return False  # it is handed over, and never looked for

    def world_size(self) -> int:
        return self.devices * self.nodes

    def set_world_size(self, size: int) -> None:
        pass

    def global_rank(self) -> int:
        return self.node * self.devices + self.local

    def set_global_rank(self, rank: int) -> None:
        pass

    def local_rank(self) -> int:
        return self.local

    def node_rank(self) -> int:
        return self.node


def run_ranks(function, arguments: tuple, settings: TrainerSettings, seed: int) -> None:
    """Call function(*arguments, ranks) in a process for each device of this machine; the first error ends them all.

    Machines meet where the environment says, as Lightning's own do: NODE_RANK, MASTER_ADDR and MASTER_PORT, from which on
    each seed has a port.
    """
    place = {"address": MAIN, "port": free_port()}
    if settings.num_nodes > 1:
        port = int(os.environ["MASTER_PORT"]) + seed % PORTS
        place = {"node": int(os.environ["NODE_RANK"]), "address": os.environ["MASTER_ADDR"], "port": port}
    every = [Ranks(local, settings.devices, nodes=settings.num_nodes, **place) for local in range(settings.devices)]
    run_all([(_begin, function, arguments, ranks) for ranks in every], processes=settings.devices)


def _begin(function, arguments: tuple, ranks: Ranks) -> None:
    if ranks.nodes == 1:
        os.environ.setdefault("GLOO_SOCKET_IFNAME", "lo")  # no other interface, and no name of this machine is needed
    if torch.cuda.device_count():
        torch.cuda.set_device(ranks.local)
    function(*arguments, ranks)


def free_port() -> int:
    with socket.socket() as trial:
        trial.bind((MAIN, 0))
        return trial.getsockname()[1]


class Shard:
    """The rows of every batch of a loader that are those of one rank.

    No two ranks have a row in common, but for a batch of fewer rows than ranks: all of them compute it as a whole.
    """

    def __init__(self, loader: Loader, rank: int, ranks: int) -> None:
        self.loader, self.rank, self.ranks = loader, rank, ranks
        self.examples = loader.examples
        self.sampler = self

    def set_epoch(self, epoch: int) -> None:
        self.loader.set_epoch(epoch)

    def __len__(self) -> int:
        return len(self.loader)

    def __iter__(self) -> Iterator[Batch]:
        for rows in self.loader.order().split(self.loader.size):
            yield self.loader.rows(rows if len(rows) < self.ranks else rows[self.rank :: self.ranks])


@dataclass(frozen=True)
class RankMoment(Moment):
    """The position of one rank's training: what is drawn for its rows is not what another rank draws."""

    rank: int = 0

    def _pass_key(self) -> tuple[int | str, ...]:
        return *super()._pass_key(), "rank", self.rank


class DataParallel(Supervised):
    """Supervised learning on one rank's share of every batch; its curves are those of the whole batches."""

    rows: Tensor | int = 1  # of the batch of this step, or their weight

    @property
    def moment(self) -> Moment:
        rank = distributed.get_rank() if distributed.is_initialized() else 0
        here = super().moment
        return RankMoment(here.seed, here.epoch, here.step, rank=rank) if rank else here

    def training_step(self, batch: Batch, batch_index: int = 0) -> Tensor:
        self.rows = len(batch.indices) if batch.weights is None else batch.weights.sum()
        return super().training_step(batch, batch_index)

    def accumulate(self, loss: Tensor, **terms: Tensor) -> Tensor:
        """Add the means over all ranks to the epoch's sums; returns the loss times what its rows count for."""
        if not distributed.is_initialized():
            return super().accumulate(loss, **terms)
        own = (
            torch.stack([each.detach().float() for each in (loss, *terms.values(), torch.ones_like(loss))]) * self.rows
        )
        distributed.all_reduce(own)
        mean, *means = own[:-1] / own[-1]
        super().accumulate(mean, **dict(zip(terms, means, strict=True)))
        return loss * (self.rows * distributed.get_world_size() / own[-1])
