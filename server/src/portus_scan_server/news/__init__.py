"""News: what is new is written with what it tells of, and told to whom the configuration names.

`comparison.py` finds what a scan has brought, `writer.py` writes it, `conditions.py` what lasts; `outbox.py` keeps each
message until it has arrived, `channels.py` and `teller.py` send it, `messages.py` has the words.
"""

from .channels import NotToldError, open_channels, sign
from .comparison import ImageNews
from .conditions import look
from .messages import tell_test
from .news_settings import Notifications, read_notifications
from .outbox import list_deliveries, send_again
from .teller import Teller
from .writer import NewsWriter

__all__ = [
    "ImageNews",
    "NewsWriter",
    "NotToldError",
    "Notifications",
    "Teller",
    "list_deliveries",
    "look",
    "open_channels",
    "read_notifications",
    "send_again",
    "sign",
    "tell_test",
]
