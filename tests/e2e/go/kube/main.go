// The programs of a Kubernetes node and of its control plane, in one binary that its first argument
// selects: they share nearly all of their code, so one link replaces five.
package main

import (
	"context"
	"fmt"
	"os"

	"github.com/spf13/cobra"
	"k8s.io/component-base/cli"
	_ "k8s.io/component-base/metrics/prometheus/clientgo"
	_ "k8s.io/component-base/metrics/prometheus/restclient"
	_ "k8s.io/component-base/metrics/prometheus/version"
	apiserver "k8s.io/kubernetes/cmd/kube-apiserver/app"
	controllermanager "k8s.io/kubernetes/cmd/kube-controller-manager/app"
	proxy "k8s.io/kubernetes/cmd/kube-proxy/app"
	scheduler "k8s.io/kubernetes/cmd/kube-scheduler/app"
	kubelet "k8s.io/kubernetes/cmd/kubelet/app"
)

// newCommand constructs only the selected program: their flags register globally and collide.
func newCommand(name string) *cobra.Command {
	switch name {
	case "kube-apiserver":
		return apiserver.NewAPIServerCommand()
	case "kube-controller-manager":
		return controllermanager.NewControllerManagerCommand()
	case "kube-scheduler":
		return scheduler.NewSchedulerCommand()
	case "kubelet":
		return kubelet.NewKubeletCommand(context.Background())
	case "kube-proxy":
		return proxy.NewProxyCommand()
	case "device-plugin":
		return newDevicePluginCommand()
	case "load-balancers":
		return newLoadBalancersCommand()
	case "network-policies":
		return newNetworkPoliciesCommand()
	}
	return nil
}

func main() {
	var command *cobra.Command
	if len(os.Args) > 1 {
		command = newCommand(os.Args[1])
	}
	if command == nil {
		fmt.Fprintf(os.Stderr, "usage: %s PROGRAM FLAG...\n", os.Args[0])
		os.Exit(2)
	}
	os.Args = os.Args[1:]
	os.Exit(cli.Run(command))
}
