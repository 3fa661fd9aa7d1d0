"""Programs for tests: executables that do what they are told."""

from __future__ import annotations

from .scripted import Call, Output, ProgramFault, ScriptedProgram

__all__ = ["Call", "Output", "ProgramFault", "ScriptedProgram"]
