"""One module for each library; importing this package imports none of them."""

from __future__ import annotations

from benchmarks.peers.base import Call, NotDoneError, Peer
from benchmarks.peers.jax import Jax
from benchmarks.peers.keras import Keras
from benchmarks.peers.onnxruntime import OnnxRuntime
from benchmarks.peers.ours import Ours, OursChain, OursCore, OursFull, OursWhole
from benchmarks.peers.pytorch import PyTorch, PyTorchCell

OURS: tuple[type[Peer], ...] = (Ours, OursCore, OursFull, OursWhole, OursChain)
# What --peers names, and the ways in which each is measured.
PEERS: dict[str, tuple[type[Peer], ...]] = {
    "pytorch": (PyTorch, PyTorchCell),
    "onnxruntime": (OnnxRuntime,),
    "jax": (Jax,),
    "keras": (Keras,),
}
BY_NAME = {peer.name: peer for group in (OURS, *PEERS.values()) for peer in group}

__all__ = ["BY_NAME", "OURS", "PEERS", "Call", "NotDoneError", "Peer"]
