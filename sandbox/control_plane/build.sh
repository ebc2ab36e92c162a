#!/usr/bin/env bash
# Builds etcd, kube-apiserver, kube-controller-manager and kube-scheduler (1.20.2) from Debian 12's own source
# package with Debian's Go, without installing anything on the machine.
#
#   build.sh TARGET-FOLDER
#
# Needs: Debian 12, apt, dpkg, tar, xz, gcc-free (CGO is off), about 3 GB of free disk while it builds.
# The binaries appear in TARGET-FOLDER in one step at the end, so a build that dies leaves nothing half done.
set -euo pipefail

target=${1:?usage: build.sh TARGET-FOLDER}
mkdir -p "$(dirname "$target")"
work=$(mktemp -d "$(dirname "$target")/build.XXXXXX")
trap 'rm -rf "$work"' EXIT
started=$(date +%s)
say() { printf '  [%4ds] %s\n' "$(($(date +%s) - started))" "$*"; }

# --- a private apt root: the machine's own Debian 12 sources, with deb-src added ------------------------------
apt_root=$work/apt
mkdir -p "$apt_root"/{lists/partial,cache/archives/partial,sources.d,state}
touch "$apt_root/state/status"
python3 - "$apt_root/sources.d" <<'PY'
import pathlib, re, sys

out = pathlib.Path(sys.argv[1])
stanzas, lines = [], []
files = [pathlib.Path("/etc/apt/sources.list"), *sorted(pathlib.Path("/etc/apt/sources.list.d").glob("*"))]
for path in files:
    if not path.is_file():
        continue
    text = path.read_text(errors="replace")
    if path.suffix == ".sources":
        for stanza in re.split(r"\n\s*\n", text):
            fields = dict(re.findall(r"^([A-Za-z-]+):[ \t]*(.*)$", stanza, re.M))
            if re.search(r"\bbookworm", fields.get("Suites", "")) and "main" in fields.get("Components", ""):
                stanzas.append("\n".join(
                    [f"{key}: {'deb deb-src' if key == 'Types' else value}" for key, value in fields.items()]))
    else:
        for line in text.splitlines():
            match = re.match(r"^deb\s+((?:\[[^]]*\]\s+)?\S+\s+bookworm(?:-\S+|/\S+)?\s+.*\bmain\b.*)$", line.strip())
            if match:
                lines += [f"deb {match[1]}", f"deb-src {match[1]}"]
if not stanzas and not lines:
    sys.exit("no Debian 12 (bookworm) package source was found in /etc/apt")
(out / "debian.sources").write_text("\n\n".join(stanzas) + "\n")
(out / "debian.list").write_text("\n".join(lines) + "\n")
PY
apt_options=(
  -o "Dir::State=$apt_root/state" -o "Dir::State::lists=$apt_root/lists" -o "Dir::State::status=$apt_root/state/status"
  -o "Dir::Cache=$apt_root/cache" -o "Dir::Etc::sourcelist=/dev/null" -o "Dir::Etc::sourceparts=$apt_root/sources.d"
  -o "APT::Sandbox::User=$(id -un)" -o "Acquire::Retries=3" -o "APT::Get::List-Cleanup=0"
)
say "reading the package lists"
apt-get "${apt_options[@]}" update -qq

mkdir "$work/packages"
cd "$work/packages"
say "downloading Go, etcd and the Kubernetes source"
apt-get "${apt_options[@]}" download -qq golang-1.19-go golang-1.19-src etcd-server golang-github-modern-go-reflect2-dev
apt-get "${apt_options[@]}" source -qq --download-only kubernetes

say "unpacking"
for package in *.deb; do dpkg -x "$package" "$work/root"; done
tree=$work/gopath/src/k8s.io/kubernetes
mkdir -p "$tree"
tar -xf kubernetes_*.orig.tar.* -C "$tree" --strip-components=1
rm -rf "$work/packages"

# reflect2 1.0.1, as vendored, crashes on Go 1.18 and later: Debian's 1.0.2 takes its place.
rm -rf "$tree/vendor/github.com/modern-go/reflect2"
cp -r "$work/root/usr/share/gocode/src/github.com/modern-go/reflect2" "$tree/vendor/github.com/modern-go/reflect2"

# --- the build ----------------------------------------------------------------------------------------------
mkdir -p "$work/goroot"
cp -rL "$work/root/usr/lib/go-1.19/." "$work/goroot/"  # its links point into ../../share, beside it
export GOROOT=$work/goroot GOPATH=$work/gopath GOCACHE=$work/gocache GO111MODULE=off GOPROXY=off CGO_ENABLED=0
export GOFLAGS= PATH=$work/goroot/bin:$PATH HOME=$work
cd "$tree"

say "generating the OpenAPI definitions"
go build -o "$work/openapi-gen" ./vendor/k8s.io/kube-openapi/cmd/openapi-gen
inputs=$(grep -rl --include='*.go' '+k8s:openapi-gen=' pkg staging/src/k8s.io vendor/k8s.io cmd 2>/dev/null \
  | grep -v -e '/testdata/' -e '_test\.go$' -e 'code-generator' -e 'sample-' -e 'kube-openapi/' \
  | xargs -n1 dirname | sed -e 's#^staging/src/##' -e 's#^vendor/##' -e 's#^pkg/#k8s.io/kubernetes/pkg/#' \
        -e 's#^cmd/#k8s.io/kubernetes/cmd/#' | sort -u | paste -sd,)
mkdir -p pkg/generated/openapi
"$work/openapi-gen" --logtostderr -O zz_generated.openapi -p k8s.io/kubernetes/pkg/generated/openapi \
  -h hack/boilerplate/boilerplate.generatego.txt -r "$work/violations.txt" -i "$inputs" >"$work/openapi.log" 2>&1 \
  || { tail -20 "$work/openapi.log" >&2; exit 1; }

version="-X k8s.io/component-base/version.gitVersion=v1.20.2 -X k8s.io/client-go/pkg/version.gitVersion=v1.20.2"
mkdir "$work/bin"
for binary in kube-apiserver kube-controller-manager kube-scheduler; do
  say "building $binary"
  go build -tags "providerless dockerless" -trimpath -ldflags "-s -w $version" -o "$work/bin/$binary" "./cmd/$binary"
done
cp "$work/root/usr/bin/etcd" "$work/bin/etcd"
chmod -R u+w "$work"
rm -rf "$target"
mv "$work/bin" "$target"
say "done: $target"
