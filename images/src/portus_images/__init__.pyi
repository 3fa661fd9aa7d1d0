"""The public names, by the module that defines each."""

from .blobs import (
    BlobAccess as BlobAccess,
    BlobHead as BlobHead,
    Referrer as Referrer,
)
from .errors import (
    ImageNotFoundError as ImageNotFoundError,
    InvalidManifestError as InvalidManifestError,
    InvalidReferenceError as InvalidReferenceError,
    LocalImageError as LocalImageError,
    NotInRegistryError as NotInRegistryError,
    PortusError as PortusError,
    RegistryAuthError as RegistryAuthError,
    RegistryError as RegistryError,
    RegistryUnavailableError as RegistryUnavailableError,
    SettingsError as SettingsError,
    UnknownRepositoryError as UnknownRepositoryError,
)
from .fields import (
    BOOLEAN as BOOLEAN,
    STRING as STRING,
    Seconds as Seconds,
    all_of as all_of,
    are_all as are_all,
    exactly as exactly,
    moment as moment,
    moment_or_utc as moment_or_utc,
    nonempty_string as nonempty_string,
    read_seconds as read_seconds,
    strings as strings,
    strings_by_name as strings_by_name,
    variable_name as variable_name,
)
from .image import (
    Image as Image,
    Layer as Layer,
    LocalImage as LocalImage,
    Platform as Platform,
    copy_image as copy_image,
)
from .images import (
    Images as Images,
)
from .lazy import (
    attach_stub as attach_stub,
)
from .manifests import (
    own_platform as own_platform,
)
from .pacing import (
    Pacers as Pacers,
    read_retry_after as read_retry_after,
)
from .reference import (
    DOCKER_HUB as DOCKER_HUB,
    FORMS as FORMS,
    HUB_NAMES as HUB_NAMES,
    ImageReference as ImageReference,
    LocalReference as LocalReference,
    Reference as Reference,
    parse_reference as parse_reference,
)
from .registry import (
    Registry as Registry,
    ServerAccount as ServerAccount,
    TagLookup as TagLookup,
    credentials_files as credentials_files,
    credentials_origin as credentials_origin,
    docker_config as docker_config,
)
from .sessions import (
    CONNECT_TIMEOUT as CONNECT_TIMEOUT,
    TlsFileError as TlsFileError,
    advise_on_tls as advise_on_tls,
    make_tls as make_tls,
    open_session as open_session,
    read_bounded as read_bounded,
    what_broke as what_broke,
)
from .settings import (
    LOOPBACK as LOOPBACK,
    RegistrySettings as RegistrySettings,
    Secret as Secret,
    ServeAddress as ServeAddress,
    find_account_faults as find_account_faults,
)
from .single_flight import (
    SingleFlight as SingleFlight,
)
from .strict import (
    RepeatedMemberError as RepeatedMemberError,
    faults_of as faults_of,
    is_enum as is_enum,
    json_decoder as json_decoder,
    load_json as load_json,
    make_json_converter as make_json_converter,
    make_strict_converter as make_strict_converter,
    mismatch as mismatch,
    places_of as places_of,
    read_integer as read_integer,
    read_number as read_number,
)
from .text import (
    MASK as MASK,
    class_name as class_name,
    hide_account as hide_account,
    log_crash as log_crash,
    message_line as message_line,
    one_line as one_line,
    text_of as text_of,
    words_of as words_of,
)

__all__: list[str]
__version__: str
