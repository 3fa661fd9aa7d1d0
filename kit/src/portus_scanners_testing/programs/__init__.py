"""Programs for tests: executables that do what a test scripts."""

from __future__ import annotations

from .scripted_program import ProgramCall, ProgramFault, ScriptedOutput, ScriptedProgram

__all__ = ["ProgramCall", "ProgramFault", "ScriptedOutput", "ScriptedProgram"]
