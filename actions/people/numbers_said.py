"""Phone numbers in E.164, by phonenumbers (the port of Google's libphonenumber). Knows no contacts."""

from __future__ import annotations

import os
from collections.abc import Mapping


def e164(number: str, region: str = "") -> str:
    """ "+491701234567" for a number as it is written; empty when it is none that can be called.

    region: the country of a number without a country code ("DE"); empty: such numbers are none.
    """
    import phonenumbers

    if len(number) > 40:  # libphonenumber's own bound is 250
        return ""
    try:
        parsed = phonenumbers.parse(number, region or None)
    except phonenumbers.NumberParseException:
        return ""
    valid = phonenumbers.is_valid_number(parsed)
    return phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164) if valid else ""


def written(number: str) -> str:
    """ "+49 170 1234567" for a number in E.164."""
    import phonenumbers

    return phonenumbers.format_number(phonenumbers.parse(number), phonenumbers.PhoneNumberFormat.INTERNATIONAL)


def known_region(region: str) -> bool:
    import phonenumbers

    return region in phonenumbers.SUPPORTED_REGIONS


def region_of_locale(environ: Mapping[str, str] = os.environ) -> str:
    """ "DE" for the locale de_DE.UTF-8; empty for one without a country (C.UTF-8)."""
    locale = next((environ[name] for name in ("LC_ALL", "LC_TELEPHONE", "LANG") if environ.get(name)), "")
    country = locale.partition(".")[0].partition("@")[0].partition("_")[2]
    return country if known_region(country) else ""
