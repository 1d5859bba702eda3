"""Stand-ins for the installers of OSMO's command-line client: built as the published ones are, with a shell script as the client.

The script knows two commands, with the output and the files of the real client: `version`, and `login` with its methods `dev` and `token`.
"""

from __future__ import annotations

import gzip
import io
import tarfile
from collections.abc import Mapping
from urllib.parse import urlsplit

from sdg.catalog.versions import versions

_HEADER = "#!/bin/sh\necho 'the stand-in of an installer is unpacked, not run' >&2\nexit 1\n"
_CLIENT = r"""#!/bin/sh
set -eu
refuse() { echo "$1" >&2; exit 2; }
case "${1:-}" in
version) echo "OSMO client version:  @VERSION@"; exit 0 ;;
login) shift ;;
*) refuse "the stand-in knows version and login" ;;
esac
url='' method=code username='' token=''
while [ $# -gt 0 ]; do
  case "$1" in
  --method) method=$2; shift 2 ;;
  --username) username=$2; shift 2 ;;
  --token-file) token=$(cat "$2"); shift 2 ;;
  *) url=${1%/}; shift ;;
  esac
done
folder=${OSMO_CONFIG_FILE_DIR:-${XDG_CONFIG_HOME:-$HOME/.config}/osmo}
mkdir -p "$folder"
umask 077
echo "Logging in to $url"
case "$method" in
dev)
  [ -n "$username" ] || refuse 'Must provide username'
  printf 'url: %s\nosmo_token: false\ndev_login:\n  username: %s\n' "$url" "$username" >"$folder/login.yaml" ;;
token)
  [ -n "$token" ] || refuse 'Must provide token file with --token_file or --token'
  printf 'url: %s\nosmo_token: true\ntoken_login:\n  refresh_token: %s\n  refresh_url: %s\n' \
    "$url" "$token" "$url/api/auth/jwt/access_token" >"$folder/login.yaml" ;;
*) refuse "the stand-in has no identity provider" ;;
esac
"""


def installers() -> Mapping[str, bytes]:
    """The installers of every known release for Linux, by the path of their URL."""
    client = versions().osmo_cli
    platforms = [name for name, ending in client.platforms.items() if ending.endswith(".sh")]
    releases = {release.cli for profile in versions().profiles.values() for release in profile.releases}
    published = ((client.installer(release, platform), release) for release in releases for platform in platforms)
    return {urlsplit(url).path.lstrip("/"): _installer(release) for url, release in published}


def _installer(version: str) -> bytes:
    """The same bytes on every machine and at every start, as a published file has them."""
    script = _CLIENT.replace("@VERSION@", version).encode()
    packed = io.BytesIO()
    with gzip.GzipFile(fileobj=packed, mode="wb", mtime=0, filename="") as compressed, tarfile.open(fileobj=compressed, mode="w|") as tar:
        entry = tarfile.TarInfo("osmo/osmo")
        entry.size, entry.mode = len(script), 0o755
        tar.addfile(entry, io.BytesIO(script))
    return f"{_HEADER}\n__ARCHIVE_BELOW__\n".encode() + packed.getvalue()
