"""The API for programs: ``/api/v1``.

`api_routes.py` answers, `documents.py` has the JSON, `problems.py` what has gone wrong; `openapi.yaml` describes it.
"""

from .api_routes import make_api
from .problems import ERRORS, RequestError, problem_middleware

__all__ = ["ERRORS", "RequestError", "make_api", "problem_middleware"]
