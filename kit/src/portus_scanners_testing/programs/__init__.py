"""Programs for tests: executables that do what they are told."""

from __future__ import annotations

from .scripted_program import ProgramCall, ProgramFault, ScriptedOutput, ScriptedProgram

__all__ = ["ProgramCall", "ProgramFault", "ScriptedOutput", "ScriptedProgram"]
