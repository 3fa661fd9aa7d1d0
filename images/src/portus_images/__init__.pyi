"""The public names, by the module that defines each."""

from .blobs import (
    BlobAccess as BlobAccess,
)
from .blobs import (
    BlobHead as BlobHead,
)
from .blobs import (
    Referrer as Referrer,
)
from .errors import (
    ImageNotFoundError as ImageNotFoundError,
)
from .errors import (
    InvalidManifestError as InvalidManifestError,
)
from .errors import (
    InvalidReferenceError as InvalidReferenceError,
)
from .errors import (
    LocalImageError as LocalImageError,
)
from .errors import (
    NotInRegistryError as NotInRegistryError,
)
from .errors import (
    PortusError as PortusError,
)
from .errors import (
    RegistryAuthError as RegistryAuthError,
)
from .errors import (
    RegistryError as RegistryError,
)
from .errors import (
    RegistryUnavailableError as RegistryUnavailableError,
)
from .errors import (
    SettingsError as SettingsError,
)
from .fields import (
    TEXT as TEXT,
)
from .fields import (
    TRUTH as TRUTH,
)
from .fields import (
    all_of as all_of,
)
from .fields import (
    moment as moment,
)
from .fields import (
    text_by_name as text_by_name,
)
from .fields import (
    texts as texts,
)
from .fields import (
    word as word,
)
from .image import (
    Image as Image,
)
from .image import (
    Layer as Layer,
)
from .image import (
    LocalImage as LocalImage,
)
from .image import (
    Platform as Platform,
)
from .images import (
    Images as Images,
)
from .lazy import (
    attach_stub as attach_stub,
)
from .local.address import (
    LOOPBACK as LOOPBACK,
)
from .local.address import (
    ServeAddress as ServeAddress,
)
from .local.reference import (
    FORMS as FORMS,
)
from .local.reference import (
    ImageReference as ImageReference,
)
from .local.reference import (
    LocalReference as LocalReference,
)
from .local.reference import (
    parse_reference as parse_reference,
)
from .pacing import (
    Pacers as Pacers,
)
from .pacing.retry_after import (
    read_retry_after as read_retry_after,
)
from .reference import (
    DOCKER_HUB as DOCKER_HUB,
)
from .reference import (
    HUB_NAMES as HUB_NAMES,
)
from .reference import (
    Reference as Reference,
)
from .registry.client import (
    Registry as Registry,
)
from .registry.origin import (
    credentials_files as credentials_files,
)
from .registry.origin import (
    credentials_origin as credentials_origin,
)
from .secret import (
    MASK as MASK,
)
from .secret import (
    Secret as Secret,
)
from .sessions import (
    CONNECT_TIMEOUT as CONNECT_TIMEOUT,
)
from .sessions import (
    make_tls as make_tls,
)
from .sessions import (
    open_session as open_session,
)
from .sessions import (
    read_bounded as read_bounded,
)
from .sessions import (
    what_broke as what_broke,
)
from .settings import (
    RegistrySettings as RegistrySettings,
)
from .text import (
    one_line as one_line,
)
from .text import (
    text_of as text_of,
)
from .text import (
    words_of as words_of,
)

__all__: list[str]
__version__: str
