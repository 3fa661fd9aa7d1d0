"""The kit for authors of scanner plugins: the tests of the contract, stand-in servers and programs, images, a clock.

    pip install 'portus-scanners[testing]'

::

    class TestAcme(HttpScannerContract):
        scanner_class = AcmeScanner
        findings = {"CVE-2099-0001": Severity.HIGH}

        @pytest.fixture
        def backend(self, image):
            ...

Names are loaded when they are first used: only the tests of the contract import pytest.
"""

from portus_images import attach_stub

__version__ = "0.1.0"
__getattr__, __dir__, __all__ = attach_stub(__name__, __file__)
