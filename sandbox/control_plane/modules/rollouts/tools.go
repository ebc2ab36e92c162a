//go:build tools

// Package rollouts pins what Argo Rollouts' controller is built from: the command below, by go.mod and go.sum.
package rollouts

import (
	_ "github.com/argoproj/argo-rollouts/cmd/rollouts-controller"
)
