//go:build tools

package tools

import (
	_ "github.com/envoyproxy/ai-gateway/cmd/controller"
	_ "github.com/envoyproxy/ai-gateway/cmd/extproc"
	_ "github.com/envoyproxy/gateway/cmd/envoy-gateway"
)
