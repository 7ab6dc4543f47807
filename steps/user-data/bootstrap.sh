#!/bin/bash
# Makes this instance serve one cluster of the stack. Runs once, as root, at the first boot, under cloud-init.
#
# What needs the network is tried again, and there is no `set -e`: one lost packet must not leave a machine
# that never answers. What fails for good ends the script, and shows as a target that stays unhealthy.
set -u
exec > >(tee -a /var/log/lab1-flow-bootstrap.log) 2>&1
export DEBIAN_FRONTEND=noninteractive NEEDRESTART_MODE=a

home=/home/ubuntu/flask-server
metadata=http://169.254.169.254/latest

# Tries a command up to eight times, with pauses that grow from 2 s to 14 s: 56 s in all.
try() {
  local attempt
  for attempt in 1 2 3 4 5 6 7 8; do
    "$@" && return 0
    echo "attempt $attempt failed: $*"
    [ "$attempt" -lt 8 ] && sleep $((attempt * 2))
  done
  return 1
}

# Reads the instance's id with a session token: some accounts accept nothing else.
read_instance_id() {
  local token
  token=$(curl -fsS -m 5 -X PUT -H 'X-aws-ec2-metadata-token-ttl-seconds: 300' "$metadata/api/token") &&
    instance_id=$(curl -fsS -m 5 -H "X-aws-ec2-metadata-token: $token" "$metadata/meta-data/instance-id") &&
    [[ $instance_id =~ ^i-[0-9a-f]+$ ]]
}

# The first boot's own updates may hold the locks: apt waits for dpkg's. A mirror that fails is an error, not a warning.
packages() {
  apt-get -o DPkg::Lock::Timeout=300 -o APT::Update::Error-Mode=any -y "$@"
}

# For the lock of the lists apt does not wait: tries for as long.
update() {
  local attempt=0 end=$((SECONDS + 300))
  until packages update; do
    attempt=$((attempt + 1))
    echo "attempt $attempt failed: packages update"
    [ "$SECONDS" -lt "$end" ] || return 1
    sleep 2
  done
}

as_ubuntu() {
  runuser -u ubuntu -- "$@"
}

instance_id=
try read_instance_id || exit 1
update || exit 1
try packages install --no-install-recommends python3-venv || exit 1

install -d -o ubuntu -g ubuntu "$home" || exit 1
as_ubuntu python3 -m venv "$home/venv" || exit 1
try as_ubuntu "$home/venv/bin/pip" install --no-cache-dir --disable-pip-version-check \
  'flask>=3,<4' 'waitress>=3,<4' || exit 1

echo "INSTANCE_ID=$instance_id" >"$home/instance.env"
cat >"$home/@MODULE@.py" <<'END_OF_APP'
@APP@
END_OF_APP
cat >/etc/systemd/system/flask-server.service <<'END_OF_UNIT'
@UNIT@
END_OF_UNIT

systemctl daemon-reload && systemctl enable --now flask-server.service
