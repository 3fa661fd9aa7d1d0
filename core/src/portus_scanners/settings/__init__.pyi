"""The names of this folder, by the module that defines each."""

from .conversion import (
    structure_section as structure_section,
)
from .faults import (
    did_you_mean as did_you_mean,
    enabled_but_left_out as enabled_but_left_out,
    misspelt_sections as misspelt_sections,
)
from .reader import (
    ScannerSection as ScannerSection,
    Settings as Settings,
    SettingsFaults as SettingsFaults,
    load_settings as load_settings,
)
from .yaml_file import (
    check_size as check_size,
    find_repeated_key as find_repeated_key,
    read_limited as read_limited,
    read_yaml as read_yaml,
    yaml_fault as yaml_fault,
)

__all__: list[str]
