"""How the control plane is started: certificates, arguments, and what is ready when."""

from __future__ import annotations

import base64
import ipaddress
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import NameOID

from sandbox.control_plane.binaries import Binaries
from sandbox.places import Ports

_CONTROLLERS = ("deployment", "replicaset", "statefulset", "daemonset", "job", "cronjob", "garbagecollector",
                "disruption", "namespace", "nodelifecycle", "endpoint", "endpointslice", "horizontalpodautoscaling",
                "resourcequota", "podgc")
"""Named as before Kubernetes 1.28; later versions accept these names as well."""
POLICIES_SINCE = (1, 30)
"""ValidatingAdmissionPolicy is served by default from this version on."""
_SINCE: tuple[tuple[tuple[int, int], str, tuple[str, ...]], ...] = (
    # Before that version the node lifecycle controller evicted the pods that a NoExecute taint drives away.
    ((1, 29), "controllers", ("taint-eviction-controller",)),
    # Says in a policy's status what its expressions get wrong by the types of its resources.
    (POLICIES_SINCE, "controllers", ("validatingadmissionpolicy-status-controller",)),
)
"""What is added from a version on."""
_BEFORE: tuple[tuple[tuple[int, int], str, tuple[str, ...]], ...] = (
    # A second, insecure port, the same for all, is open unless told not to; later ones do not know the flag.
    ((1, 24), "flags", ("--port=0",)),
)
"""What is added before a version."""
ADMIN_TOKEN = "sandbox-admin"  # noqa: S105 - of a cluster that lives on this machine alone, for minutes


def certificates(folder: Path) -> None:
    """Write ``ca.crt``, ``tls.crt``, ``tls.key`` for 127.0.0.1 and ``sa.key``, ``sa.pub`` for service accounts."""
    folder.mkdir(parents=True, exist_ok=True)
    now = datetime.now(UTC)

    def build(name: str, key: ec.EllipticCurvePrivateKey, issuer: x509.Name, signer: ec.EllipticCurvePrivateKey,
              authority: bool) -> x509.Certificate:
        builder = (x509.CertificateBuilder().subject_name(_name(name)).issuer_name(issuer)
                   .public_key(key.public_key()).serial_number(x509.random_serial_number())
                   .not_valid_before(now - timedelta(days=1)).not_valid_after(now + timedelta(days=365))
                   .add_extension(x509.BasicConstraints(ca=authority, path_length=None), critical=True))
        if not authority:
            builder = builder.add_extension(x509.SubjectAlternativeName(
                [x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        return builder.sign(signer, hashes.SHA256())

    ca_key, key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    ca = build("sandbox", ca_key, _name("sandbox"), ca_key, True)
    server = build("kubernetes", key, ca.subject, ca_key, False)
    accounts = rsa.generate_private_key(65537, 2048)
    files = {"ca.crt": ca.public_bytes(serialization.Encoding.PEM),
             "tls.crt": server.public_bytes(serialization.Encoding.PEM),
             "tls.key": _private(key), "sa.key": _private(accounts),
             "sa.pub": accounts.public_key().public_bytes(serialization.Encoding.PEM,
                                                          serialization.PublicFormat.SubjectPublicKeyInfo)}
    for name, content in files.items():
        (folder / name).write_bytes(content)
        (folder / name).chmod(0o600)


def authority(folder: Path) -> str:
    """Return the cluster's certificate authority as EKS gives it: base64 of PEM."""
    return base64.b64encode((folder / "ca.crt").read_bytes()).decode()


def commands(found: Binaries, folder: Path, ports: Ports, *, without: tuple[str, ...] = ()) -> dict[str, list[str]]:
    """Write the configuration files and return each process's command, in the order of starting.

    ``without``: controllers that are not to run.
    """
    binaries = found.folder
    server = f"https://127.0.0.1:{ports.apiserver}"
    (folder / "tokens.csv").write_text(f'{ADMIN_TOKEN},admin,admin,"system:masters"\n')
    _kubeconfig(folder / "admin.kubeconfig", server, folder / "ca.crt", ADMIN_TOKEN)
    # The webhook says to whom a token from EKS belongs, as AWS's authenticator does in a real cluster.
    _kubeconfig(folder / "webhook.kubeconfig", f"http://127.0.0.1:{ports.world}/authenticate", None, "")
    admin = str(folder / "admin.kubeconfig")
    return {
        "etcd": [
            str(binaries / "etcd"), "--data-dir", str(folder / "etcd"), "--unsafe-no-fsync",
            "--listen-client-urls", f"http://127.0.0.1:{ports.etcd}",
            "--advertise-client-urls", f"http://127.0.0.1:{ports.etcd}",
            "--listen-peer-urls", f"http://127.0.0.1:{ports.etcd_peer}"],
        "kube-apiserver": [
            str(binaries / "kube-apiserver"), f"--etcd-servers=http://127.0.0.1:{ports.etcd}",
            "--bind-address=127.0.0.1", "--advertise-address=127.0.0.1", f"--secure-port={ports.apiserver}",
            f"--tls-cert-file={folder / 'tls.crt'}", f"--tls-private-key-file={folder / 'tls.key'}",
            f"--token-auth-file={folder / 'tokens.csv'}", "--authorization-mode=RBAC",
            f"--authentication-token-webhook-config-file={folder / 'webhook.kubeconfig'}",
            "--authentication-token-webhook-version=v1", "--authentication-token-webhook-cache-ttl=10s",
            "--service-account-issuer=https://sandbox", f"--service-account-key-file={folder / 'sa.pub'}",
            f"--service-account-signing-key-file={folder / 'sa.key'}", "--service-cluster-ip-range=10.0.0.0/24",
            "--disable-admission-plugins=ServiceAccount,TaintNodesByCondition",
            "--enable-admission-plugins=ResourceQuota,Priority", "--allow-privileged=true",
            "--endpoint-reconciler-type=none", "--event-ttl=3h"],
        "kube-controller-manager": [
            str(binaries / "kube-controller-manager"), f"--kubeconfig={admin}", "--leader-elect=false",
            "--controllers=" + ",".join(
                name for name in (*_CONTROLLERS, *_of(found.version, "controllers")) if name not in without),
            f"--secure-port={ports.controller_manager}", "--bind-address=127.0.0.1",
            *_of(found.version, "flags"),
            f"--cert-dir={folder}"],
        "kube-scheduler": [
            str(binaries / "kube-scheduler"), f"--kubeconfig={admin}", "--leader-elect=false",
            f"--secure-port={ports.scheduler}", "--bind-address=127.0.0.1",
            *_of(found.version, "flags"),
            f"--cert-dir={folder}"],
    }


def _of(version: tuple[int, int], what: str) -> list[str]:
    """What a version has besides what all have: its ``controllers``, or the ``flags`` of those that control."""
    return [item for first, kind, items in _SINCE if kind == what and version >= first for item in items] + [
        item for last, kind, items in _BEFORE if kind == what and version < last for item in items]


def _kubeconfig(path: Path, server: str, ca: Path | None, token: str) -> None:
    cluster = {"server": server} | ({"certificate-authority": str(ca)} if ca else {})
    path.write_text(json.dumps({
        "apiVersion": "v1", "kind": "Config", "current-context": "sandbox",
        "clusters": [{"name": "sandbox", "cluster": cluster}],
        "users": [{"name": "sandbox", "user": {"token": token} if token else {}}],
        "contexts": [{"name": "sandbox", "context": {"cluster": "sandbox", "user": "sandbox"}}]}))
    path.chmod(0o600)


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def _private(key: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey) -> bytes:
    return key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8,
                             serialization.NoEncryption())
