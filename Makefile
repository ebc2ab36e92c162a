# `make help` lists the targets. Each does its own set-up.

PYTHON ?= $(shell command -v python3.11 || command -v python3.12 || command -v python3.13 || command -v python3 || echo python3)
RUN = .venv/bin/python
export PYTHONPATH = $(CURDIR):$(CURDIR)/lambdas
# Each of many processes would compile everything anew where an image has set it.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: lock release help setup demo test drills soak killed bench replay examples up down status lint synth settings network rbac \
  member packs site deploy

help:  ## list the targets
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## (.*)/  make \1\t\2/' | expand -t 16

setup:  ## install what the other words need (they do it themselves)
	@$(PYTHON) scripts/setup.py

demo: setup  ## watch an outage from alarm to postmortem, on this machine
	@$(RUN) -m sandbox demo

# Four for two cores: two of them wait for drills most of the time.
test: setup  ## run all tests, four at a time, the drills on the embedded cloud among them
	@$(RUN) -m pytest -n 4 --no-loadscope-reorder

drills: setup  ## run every drill of drills/ [WORLD=workloads=statefulset,mesh=istio] [EYES=aws]
	@$(RUN) -m sandbox drill drills drills/catalogue drills/unseen --record tests/records $(if $(WORLD),--world "$(WORLD)") $(if $(EYES),--eyes $(EYES))

soak: setup  ## run drills without a pause, an hour or MINUTES=n, and say whether anything grows [JSON=file]
	@$(RUN) -m sandbox.soak --minutes $(or $(MINUTES),60) $(if $(JSON),--json "$(JSON)")

killed: setup  ## kill AWS's engine in the middle of an incident, at each of several states, and see it taken up
	@$(RUN) -m sandbox.killed

bench: setup  ## measure what it can do and costs: time, memory, cold starts [NAMES="imports memory"] [JSON=file] [DATA=folder]
	@$(RUN) -m bench $(NAMES) $(if $(JSON),--json "$(JSON)") $(if $(DATA),--data "$(DATA)")

replay: setup  ## make an incident's decisions again: INCIDENT=file or s3://…/record.json.gz [WEIGHTS=file] [CONFIG=file]
	@$(RUN) -m cli replay "$(INCIDENT)" $(if $(WEIGHTS),--weights "$(WEIGHTS)") $(if $(CONFIG),--under "$(CONFIG)")

examples: setup  ## write the example reports of docs/examples anew, from the records beside them
	@$(RUN) scripts/examples.py

up: setup  ## start a sandbox and leave it up
	@$(RUN) -m sandbox up

down: setup  ## end the sandbox
	@$(RUN) -m sandbox down

status: setup  ## say whether a sandbox is up, and where
	@$(RUN) -m sandbox status

lint: setup  ## check style, types and configuration
	@.venv/bin/ruff check .
	@.venv/bin/mypy lambdas/responder stacks sandbox bench cli
	@$(RUN) -m cli check

network: setup  ## list what functions in the services' networks need: endpoints or NAT, with prices
	@$(RUN) -m stacks.network config

rbac: setup  ## print the responder's rights in a cluster, for its owner to apply: SERVICE=name
	@$(RUN) -m stacks.rbac config "$(SERVICE)"

member: synth  ## print the template of a service in another account or Region: SERVICE=name
	@cat cdk.out/*-$(SERVICE).template.json

packs: setup  ## run the rule packs over the template: cdk-nag PCI DSS and checkov, with stacks/exceptions.py
	@$(PYTHON) scripts/setup.py packs
	@$(RUN) scripts/packs.py

site: setup  ## build the docs as a site into .build/site; a broken link fails it
	@$(PYTHON) scripts/setup.py docs
	@$(RUN) scripts/site.py

lock:  ## renew the locks of the Python packages, with hashes, from the .in files beside them [UPGRADE=1]
	@$(PYTHON) scripts/setup.py tools
	@UPGRADE="$(UPGRADE)" .build/tools/bin/python scripts/lock.py

release:  ## write the bill of materials and the licences to dist/, and ask whether there are advisories
	@$(PYTHON) scripts/setup.py tools
	@.build/tools/bin/python -m scripts.release

settings: setup  ## change the settings of a deployed service: FILE=config/payment-gateway.yaml
	@$(RUN) -m stacks.settings "$(FILE)"

synth: setup  ## build the CloudFormation template into cdk.out
	@PATH="$(CURDIR)/.venv/bin:$$PATH" JSII_SILENCE_WARNING_END_OF_LIFE_NODE_VERSION=20 node_modules/.bin/cdk synth --quiet

deploy: setup  ## check, show what would change, ask, deploy: ENV=staging for config/staging [YES=1] [ACCOUNT=id] [OPTIONS="-c key=value"]
	@$(RUN) -m cli deploy $(ENV) $(if $(ACCOUNT),--account "$(ACCOUNT)") $(if $(YES),--yes) $(OPTIONS)
