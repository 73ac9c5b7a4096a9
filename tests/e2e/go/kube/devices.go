package main

import (
	"context"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"k8s.io/klog/v2"
	deviceplugin "k8s.io/kubelet/pkg/apis/deviceplugin/v1beta1"
)

// devices is a device plugin for NPUs that exist in name only. The plugin reads which of them are
// unhealthy from a file, so that a test can break one.
type devices struct {
	deviceplugin.UnimplementedDevicePluginServer
	resource  string
	count     int
	unhealthy string
}

func newDevicePluginCommand() *cobra.Command {
	plugin := &devices{}
	command := &cobra.Command{
		Use: "device-plugin",
		RunE: func(*cobra.Command, []string) error {
			return plugin.run()
		},
	}
	command.Flags().StringVar(&plugin.resource, "resource", "huawei.com/Ascend910", "resource name")
	command.Flags().IntVar(&plugin.count, "count", 8, "number of devices")
	command.Flags().StringVar(&plugin.unhealthy, "unhealthy", "", "file with the unhealthy devices' numbers")
	return command
}

// run serves the plugin and registers it whenever the kubelet has a new socket.
func (d *devices) run() error {
	endpoint := strings.ReplaceAll(d.resource, "/", "_") + ".sock"
	socket := filepath.Join(deviceplugin.DevicePluginPath, endpoint)
	var registered time.Time
	for ; ; time.Sleep(200 * time.Millisecond) {
		kubelet, err := os.Stat(deviceplugin.KubeletSocket)
		if err != nil || kubelet.ModTime().Equal(registered) {
			continue
		}
		// The kubelet empties the folder when it starts.
		if err := os.RemoveAll(socket); err != nil {
			return err
		}
		listener, err := net.Listen("unix", socket)
		if err != nil {
			return err
		}
		server := grpc.NewServer()
		deviceplugin.RegisterDevicePluginServer(server, d)
		go server.Serve(listener)
		if err := d.register(endpoint); err != nil {
			klog.ErrorS(err, "The kubelet does not register the plugin")
			server.Stop()
			continue
		}
		registered = kubelet.ModTime()
	}
}

func (d *devices) register(endpoint string) error {
	connection, err := grpc.NewClient(
		"unix://"+deviceplugin.KubeletSocket,
		grpc.WithTransportCredentials(insecure.NewCredentials()),
	)
	if err != nil {
		return err
	}
	defer connection.Close()
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	_, err = deviceplugin.NewRegistrationClient(connection).Register(ctx, &deviceplugin.RegisterRequest{
		Version:      deviceplugin.Version,
		Endpoint:     endpoint,
		ResourceName: d.resource,
	})
	return err
}

func (d *devices) GetDevicePluginOptions(context.Context, *deviceplugin.Empty) (*deviceplugin.DevicePluginOptions, error) {
	return &deviceplugin.DevicePluginOptions{}, nil
}

// ListAndWatch sends the devices at first and whenever their health changes.
func (d *devices) ListAndWatch(_ *deviceplugin.Empty, stream deviceplugin.DevicePlugin_ListAndWatchServer) error {
	sent := "never"
	for ; stream.Context().Err() == nil; time.Sleep(200 * time.Millisecond) {
		content, _ := os.ReadFile(d.unhealthy)
		if string(content) == sent {
			continue
		}
		sent = string(content)
		broken := map[string]bool{}
		for _, number := range strings.Fields(sent) {
			broken["Ascend910-"+number] = true
		}
		response := &deviceplugin.ListAndWatchResponse{}
		for number := range d.count {
			device := &deviceplugin.Device{ID: fmt.Sprintf("Ascend910-%d", number), Health: deviceplugin.Healthy}
			if broken[device.ID] {
				device.Health = deviceplugin.Unhealthy
			}
			response.Devices = append(response.Devices, device)
		}
		if err := stream.Send(response); err != nil {
			return err
		}
	}
	return nil
}

// Allocate names a container's devices as Huawei's plugin does: ASCEND_VISIBLE_DEVICES.
func (d *devices) Allocate(_ context.Context, request *deviceplugin.AllocateRequest) (*deviceplugin.AllocateResponse, error) {
	response := &deviceplugin.AllocateResponse{}
	for _, container := range request.ContainerRequests {
		var numbers []string
		for _, id := range container.DevicesIds {
			numbers = append(numbers, strings.TrimPrefix(id, "Ascend910-"))
		}
		response.ContainerResponses = append(response.ContainerResponses, &deviceplugin.ContainerAllocateResponse{
			Envs: map[string]string{"ASCEND_VISIBLE_DEVICES": strings.Join(numbers, ",")},
		})
	}
	return response, nil
}
