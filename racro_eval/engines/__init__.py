"""Engines: they turn prompts into text. Importing this package loads no model library."""

from racro_eval.engines.base import (
    Completion,
    Engine,
    EngineInfo,
    Message,
    Request,
    Sampling,
    Usage,
)
from racro_eval.engines.registry import create_engine, engine_names

__all__ = [
    "Completion",
    "Engine",
    "EngineInfo",
    "Message",
    "Request",
    "Sampling",
    "Usage",
    "create_engine",
    "engine_names",
]
