"""A detector for detect-secrets, which knows AWS's access keys but not Alibaba Cloud's (its RAM guide: LTAI…)."""

import re
from typing import ClassVar

from detect_secrets.plugins.base import RegexBasedDetector

__all__ = ["AlibabaKeyDetector"]


class AlibabaKeyDetector(RegexBasedDetector):
    """An access key's name, or a temporary one's: where it stands, its secret is not far."""

    secret_type = "Alibaba Cloud Access Key"  # noqa: S105  # the kind's name
    denylist: ClassVar[list[re.Pattern[str]]] = [re.compile(r"\b(?:LTAI[0-9A-Za-z]{12,24}|STS\.[0-9A-Za-z]{20,64})\b")]
