#!/bin/sh
# Starts the daemon in a container. HOST and PORT say where it listens; beyond loopback only with a token.
set -eu

host=${HOST:-127.0.0.1}
port=${PORT:-7182}
config=${AICHAKU_CONFIG:-$AICHAKU_HOME/config.json}

case $host in
  127.* | ::1 | localhost) ;;
  *)
    if [ -z "${AICHAKU_TOKEN:-}" ]; then
      echo "aichaku: refuses to listen on $host without a token: everyone who reaches this container" \
        "could use its MCP servers. Set AICHAKU_TOKEN to a secret" \
        "(openssl rand -hex 32), or HOST=127.0.0.1 with the network of the host." >&2
      exit 1
    fi
    # The daemon itself listens beyond loopback only where every request needs the token.
    if [ ! -e "$config" ]; then
      mkdir -p "$(dirname "$config")"
      printf '{ "server": { "requireToken": true } }\n' >"$config"
    fi
    ;;
esac

# In this shell's place: signals of the container reach the daemon, which drains.
exec aichaku mcp --start-server --foreground --host "$host" --port "$port" "$@"
