package main

import (
	"context"
	"encoding/binary"
	"net"

	"github.com/spf13/cobra"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/cache"
	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/klog/v2"
)

// newLoadBalancersCommand gives each Service of type LoadBalancer an address, as a cloud does;
// kube-proxy serves it.
func newLoadBalancersCommand() *cobra.Command {
	var kubeconfig, first string
	command := &cobra.Command{
		Use: "load-balancers",
		RunE: func(command *cobra.Command, _ []string) error {
			access, err := clientcmd.BuildConfigFromFlags("", kubeconfig)
			if err != nil {
				return err
			}
			client, err := kubernetes.NewForConfig(access)
			if err != nil {
				return err
			}
			return giveAddresses(command.Context(), client, net.ParseIP(first).To4())
		},
	}
	command.Flags().StringVar(&kubeconfig, "kubeconfig", "", "kubeconfig of the API server")
	command.Flags().StringVar(&first, "first", "", "first address to give; the next Service gets the next one")
	return command
}

func giveAddresses(ctx context.Context, client kubernetes.Interface, next net.IP) error {
	give := func(object any) {
		service := object.(*corev1.Service).DeepCopy()
		if service.Spec.Type != corev1.ServiceTypeLoadBalancer || len(service.Status.LoadBalancer.Ingress) > 0 {
			return
		}
		service.Status.LoadBalancer.Ingress = []corev1.LoadBalancerIngress{{IP: next.String()}}
		_, err := client.CoreV1().Services(service.Namespace).UpdateStatus(ctx, service, metav1.UpdateOptions{})
		if err != nil {
			klog.ErrorS(err, "The Service gets no address", "service", klog.KObj(service))
			return
		}
		binary.BigEndian.PutUint32(next, binary.BigEndian.Uint32(next)+1)
	}
	factory := informers.NewSharedInformerFactory(client, 0)
	_, err := factory.Core().V1().Services().Informer().AddEventHandler(cache.ResourceEventHandlerFuncs{
		AddFunc:    give,
		UpdateFunc: func(_, updated any) { give(updated) },
	})
	if err != nil {
		return err
	}
	factory.Start(ctx.Done())
	<-ctx.Done()
	return nil
}
