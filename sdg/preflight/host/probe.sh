# Asks a host what the preflight wants to know, and prints `key=value` lines; changes nothing. Every program is the one on PATH.
# Expects: mark, the snap's configuration key that says which stack installed MicroK8s; begun, the file of an installation under way;
# optix, the driver's file that pods with GPUs may mount.

LC_ALL=C
export LC_ALL

say() { printf '%s=%s\n' "$1" "$2"; }
each() { while IFS= read -r line; do say "$1" "$line"; done; }
have() { command -v "$1" >/dev/null 2>&1; }

probe() {
  say asking uname
  say system "$(uname -s 2>/dev/null)"

  say asking lsb_release
  if have lsb_release; then
    say distribution "$(lsb_release -i -s 2>/dev/null)"
  elif [ -r /etc/os-release ]; then
    say distribution "$(. /etc/os-release && printf '%s' "${ID:-}")"
  fi

  say asking sudo
  if refusal=$(sudo -n true 2>&1); then say sudo yes; else printf '%s\n' "${refusal:-sudo is missing}" | each sudo_refusal; fi

  say asking df
  df -Pk "$HOME" 2>/dev/null | each disk
  # images and volumes lie there; snapd makes the folder with the first snap
  { df -Pk /var/snap 2>/dev/null || df -Pk /var 2>/dev/null; } | each disk
  say asking nproc
  say cores "$(nproc 2>/dev/null)"
  say asking free
  if have free; then free -m 2>/dev/null | each memory; else head -n 1 /proc/meminfo 2>/dev/null | each memory; fi

  say asking ss
  { sudo -n ss -Hltnp 2>/dev/null || ss -Hltnp 2>/dev/null; } | each listener

  say asking snap
  if have snap; then
    snap version 2>/dev/null | each snap
    if snap list microk8s >/dev/null 2>&1; then
      say microk8s installed
      say installed_by "$(sudo -n snap get microk8s "$mark" 2>/dev/null)"
    fi
    if [ -r "$begun" ]; then say installed_by "$(cat "$begun")"; fi
  fi

  say asking nvidia-smi
  if have nvidia-smi; then
    if drivers=$(nvidia-smi --query-gpu=driver_version --format=csv,noheader 2>&1); then
      say nvidia_smi answers
      printf '%s\n' "$drivers" | each gpu
    else
      printf '%s\n' "$drivers" | each nvidia_smi_refusal
    fi
  fi

  say asking find
  if [ -n "$(find -L "$optix" -type f 2>/dev/null)" ]; then say optix yes; fi
  say done yes
}

probe </dev/null
