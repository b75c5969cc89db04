"""A caching package mirror on the lab's gateway: the hosts' only way to packages, and a fast one."""

from __future__ import annotations

from provisioner.adapters.cache import cache_dir
from provisioner.adapters.lab.hosts import container_states, remove_containers
from provisioner.adapters.lab.image import DEBIAN, MIRROR_IMAGE
from provisioner.adapters.lab.layout import MIRROR_PORT, Lab
from provisioner.adapters.lab.substrate import Substrate

# Packages never change under one name; indexes do, and an old one serves when the upstream is away.
_CONFIGURATION = """
worker_processes 1;
daemon off;
error_log /dev/stderr warn;
events {{ worker_connections 512; }}
http {{
  access_log off;
  proxy_cache_path /cache levels=1:2 keys_zone=packages:10m max_size=20g inactive=365d use_temp_path=off;
  proxy_cache packages;
  proxy_cache_lock on;
  proxy_cache_lock_timeout 120s;
  proxy_cache_use_stale error timeout updating http_502 http_503 http_504;
  proxy_ignore_headers Cache-Control Expires Set-Cookie Vary;
  proxy_http_version 1.1;
  proxy_set_header Connection "";
  proxy_set_header Host $proxy_host;
  server {{
    listen {gateway}:{port};
    location / {{ return 404; }}
    location ~ ^/debian(-security)?/pool/ {{ proxy_pass {debian}; proxy_cache_valid 200 365d; }}
    location ~ ^/debian(-security)?/dists/ {{ proxy_pass {debian}; proxy_cache_valid 200 30m; }}
    location ~ ^/debian(-security)?/dists/.*/by-hash/ {{ proxy_pass {debian}; proxy_cache_valid 200 365d; }}
  }}
}}
"""


def start(lab: Lab, substrate: Substrate) -> None:
    """Run the mirror unless it runs. Needs the gateway's address."""
    name = lab.container("mirror")
    if container_states(lab, substrate).get(name) == "running":
        return
    remove_containers(substrate, name)
    cache = cache_dir() / "packages"
    cache.mkdir(parents=True, exist_ok=True)
    conf = _CONFIGURATION.format(gateway=lab.gateway, port=MIRROR_PORT, debian=DEBIAN)
    substrate.podman(
        "run",
        "--detach",
        "--network=host",
        f"--label=provisioner.lab={lab.name}",
        f"--name={name}",
        f"--volume={cache}:/cache",
        f"--env=CONFIGURATION={conf}",
        *substrate.run_options,
        MIRROR_IMAGE,
        "sh",
        "-ec",
        'printf %s "$CONFIGURATION" > /etc/nginx/nginx.conf && chown www-data /cache && exec nginx',
    )
