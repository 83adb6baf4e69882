// Ordinary use of client-go against the API server that KUBECONFIG names. It has a scheduler, controllers, and nodes
// that run pods in word only.
package clients

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	apiextensions "k8s.io/apiextensions-apiserver/pkg/client/clientset/clientset"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/apimachinery/pkg/watch"
	appsapply "k8s.io/client-go/applyconfigurations/apps/v1"
	coreapply "k8s.io/client-go/applyconfigurations/core/v1"
	metaapply "k8s.io/client-go/applyconfigurations/meta/v1"
	"k8s.io/client-go/discovery/cached/memory"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/dynamic/dynamicinformer"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	typedcore "k8s.io/client-go/kubernetes/typed/core/v1"
	"k8s.io/client-go/metadata"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/restmapper"
	"k8s.io/client-go/scale"
	"k8s.io/client-go/tools/cache"
	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/client-go/tools/leaderelection"
	"k8s.io/client-go/tools/leaderelection/resourcelock"
	"k8s.io/client-go/tools/pager"
	"k8s.io/client-go/tools/record"
	watchtools "k8s.io/client-go/tools/watch"
	"k8s.io/client-go/util/retry"
)

type environment struct {
	context.Context
	config    *rest.Config
	clients   *kubernetes.Clientset
	namespace string
}

func config(t *testing.T) *rest.Config {
	t.Helper()
	config, err := clientcmd.NewNonInteractiveDeferredLoadingClientConfig(
		clientcmd.NewDefaultClientConfigLoadingRules(), &clientcmd.ConfigOverrides{}).ClientConfig()
	if err != nil {
		t.Fatal(err)
	}
	config.QPS = -1
	return config
}

func setUp(t *testing.T, contentType string) environment {
	t.Helper()
	config := config(t)
	config.ContentType = contentType
	clients := kubernetes.NewForConfigOrDie(config)
	ctx, cancel := context.WithTimeout(context.Background(), 60*time.Second)
	t.Cleanup(cancel)
	namespace, err := clients.CoreV1().Namespaces().Create(ctx, &corev1.Namespace{
		ObjectMeta: metav1.ObjectMeta{GenerateName: "go-client-"}}, metav1.CreateOptions{})
	must(t, err)
	err = wait.PollUntilContextCancel(ctx, 50*time.Millisecond, true, func(ctx context.Context) (bool, error) {
		_, err := clients.CoreV1().ServiceAccounts(namespace.Name).Get(ctx, "default", metav1.GetOptions{})
		return err == nil, nil
	})
	must(t, err)
	return environment{ctx, config, clients, namespace.Name}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func configMap(name string, data ...string) *corev1.ConfigMap {
	return &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: name, Labels: map[string]string{"of": "test"}},
		Data: map[string]string{"text": strings.Join(data, " ")}}
}

// Everything ordinary in each of the encodings that the client can speak.
func TestTypedClient(t *testing.T) {
	for _, contentType := range []string{"application/json", "application/vnd.kubernetes.protobuf"} {
		t.Run(contentType, func(t *testing.T) {
			e := setUp(t, contentType)
			maps := e.clients.CoreV1().ConfigMaps(e.namespace)
			made, err := maps.Create(e, configMap("one", "ä", "\u2028"), metav1.CreateOptions{FieldManager: "tester"})
			must(t, err)
			if made.UID == "" || made.ManagedFields[0].Manager != "tester" || made.Data["text"] != "ä \u2028" {
				t.Fatalf("unexpected: %v", made)
			}
			_, err = maps.Create(e, configMap("one"), metav1.CreateOptions{})
			if !apierrors.IsAlreadyExists(err) {
				t.Fatalf("expected AlreadyExists, got %v", err)
			}
			stale := made.DeepCopy()
			made.Data["text"] = "two"
			_, err = maps.Update(e, made, metav1.UpdateOptions{})
			must(t, err)
			_, err = maps.Update(e, stale, metav1.UpdateOptions{})
			if !apierrors.IsConflict(err) {
				t.Fatalf("expected a conflict, got %v", err)
			}
			must(t, retry.RetryOnConflict(retry.DefaultRetry, func() error {
				newest, err := maps.Get(e, "one", metav1.GetOptions{})
				must(t, err)
				newest.Labels["more"] = "yes"
				_, err = maps.Update(e, newest, metav1.UpdateOptions{})
				return err
			}))
			for kind, patch := range map[types.PatchType]string{
				types.JSONPatchType:           `[{"op":"replace","path":"/data/text","value":"json"}]`,
				types.MergePatchType:          `{"data":{"text":"merge"}}`,
				types.StrategicMergePatchType: `{"data":{"text":"strategic"}}`,
			} {
				_, err = maps.Patch(e, "one", kind, []byte(patch), metav1.PatchOptions{})
				must(t, err)
			}
			_, err = maps.Get(e, "none", metav1.GetOptions{})
			var status apierrors.APIStatus
			if !errors.As(err, &status) || status.Status().Details.Name != "none" || !apierrors.IsNotFound(err) {
				t.Fatalf("expected NotFound with details, got %v", err)
			}
			_, err = maps.Create(e, &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: "Bad_Name"}}, metav1.CreateOptions{})
			if !apierrors.IsInvalid(err) || !strings.Contains(err.Error(), "RFC 1123") {
				t.Fatalf("expected Invalid, got %v", err)
			}
			must(t, maps.Delete(e, "one", metav1.DeleteOptions{}))
			must(t, maps.DeleteCollection(e, metav1.DeleteOptions{}, metav1.ListOptions{LabelSelector: "of=test"}))
		})
	}
}

func TestPagerReadsAllPages(t *testing.T) {
	e := setUp(t, "")
	for i := range 25 {
		_, err := e.clients.CoreV1().ConfigMaps(e.namespace).Create(e, configMap(fmt.Sprintf("m%d", i)), metav1.CreateOptions{})
		must(t, err)
	}
	pages := pager.New(func(ctx context.Context, options metav1.ListOptions) (runtime.Object, error) {
		return e.clients.CoreV1().ConfigMaps(e.namespace).List(ctx, options)
	})
	pages.PageSize = 10
	seen := 0
	must(t, pages.EachListItem(e, metav1.ListOptions{LabelSelector: "of=test"}, func(runtime.Object) error { seen++; return nil }))
	if seen != 25 {
		t.Fatalf("%d objects", seen)
	}
}

// The client streams its first list (WatchList) unless the server refuses.
func TestInformersFollow(t *testing.T) {
	for _, contentType := range []string{"application/json", "application/vnd.kubernetes.protobuf"} {
		t.Run(contentType, func(t *testing.T) {
			e := setUp(t, contentType)
			before, err := e.clients.CoreV1().ConfigMaps(e.namespace).Create(e, configMap("before"), metav1.CreateOptions{})
			must(t, err)
			factory := informers.NewSharedInformerFactoryWithOptions(e.clients, 0, informers.WithNamespace(e.namespace))
			informer := factory.Core().V1().ConfigMaps()
			events := make(chan string, 100)
			_, err = informer.Informer().AddEventHandler(cache.ResourceEventHandlerDetailedFuncs{
				AddFunc:    func(o any, initial bool) { events <- fmt.Sprintf("add %s %v", o.(*corev1.ConfigMap).Name, initial) },
				UpdateFunc: func(_, o any) { events <- "update " + o.(*corev1.ConfigMap).Name },
				DeleteFunc: func(o any) { events <- "delete " + o.(*corev1.ConfigMap).Name },
			})
			must(t, err)
			factory.Start(e.Done())
			for _, synced := range factory.WaitForCacheSync(e.Done()) {
				if !synced {
					t.Fatal("not synced")
				}
			}
			maps := e.clients.CoreV1().ConfigMaps(e.namespace)
			_, err = maps.Create(e, configMap("after"), metav1.CreateOptions{})
			must(t, err)
			before.Data = nil
			_, err = maps.Update(e, before, metav1.UpdateOptions{})
			must(t, err)
			must(t, maps.Delete(e, "after", metav1.DeleteOptions{}))
			wanted := []string{"add before true", "add after false", "update before", "delete after"}
			for _, want := range wanted {
				for got := ""; got != want; {
					select {
					case got = <-events:
						if got != want && !strings.Contains(got, "kube-root-ca.crt") {
							t.Fatalf("got %q, want %q", got, want)
						}
					case <-e.Done():
						t.Fatalf("no %q", want)
					}
				}
			}
			listed, err := informer.Lister().ConfigMaps(e.namespace).List(labels.SelectorFromSet(labels.Set{"of": "test"}))
			must(t, err)
			if len(listed) != 1 {
				t.Fatalf("%d objects", len(listed))
			}
		})
	}
}

func TestWatchListStreams(t *testing.T) {
	e := setUp(t, "")
	_, err := e.clients.CoreV1().ConfigMaps(e.namespace).Create(e, configMap("one"), metav1.CreateOptions{})
	must(t, err)
	yes := true
	events, err := e.clients.CoreV1().ConfigMaps(e.namespace).Watch(e, metav1.ListOptions{
		LabelSelector: "of=test", SendInitialEvents: &yes, AllowWatchBookmarks: true,
		ResourceVersionMatch: metav1.ResourceVersionMatchNotOlderThan})
	must(t, err)
	defer events.Stop()
	if first := <-events.ResultChan(); first.Type != watch.Added {
		t.Fatalf("first: %v", first)
	}
	second := <-events.ResultChan()
	if second.Type != watch.Bookmark ||
		second.Object.(*corev1.ConfigMap).Annotations[metav1.InitialEventsAnnotationKey] != "true" {
		t.Fatalf("second: %v", second)
	}
}

func TestWaitForDeploymentAndScale(t *testing.T) {
	e := setUp(t, "application/vnd.kubernetes.protobuf")
	template := coreapply.PodTemplateSpec().WithLabels(map[string]string{"app": "web"}).
		WithSpec(coreapply.PodSpec().WithContainers(coreapply.Container().WithName("main").WithImage("runs")))
	wanted := appsapply.Deployment("web", e.namespace).WithSpec(appsapply.DeploymentSpec().WithReplicas(2).
		WithSelector(metaapply.LabelSelector().WithMatchLabels(map[string]string{"app": "web"})).WithTemplate(template))
	_, err := e.clients.AppsV1().Deployments(e.namespace).Apply(e, wanted, metav1.ApplyOptions{FieldManager: "one"})
	must(t, err)
	listWatch := cache.NewListWatchFromClient(e.clients.AppsV1().RESTClient(), "deployments", e.namespace,
		fields.OneTermEqualSelector("metadata.name", "web"))
	until := func(replicas int32) {
		_, err := watchtools.UntilWithSync(e, listWatch, &appsv1.Deployment{}, nil, func(event watch.Event) (bool, error) {
			deployment, ok := event.Object.(*appsv1.Deployment)
			return ok && deployment.Status.AvailableReplicas == replicas, nil
		})
		must(t, err)
	}
	until(2)
	mapper := restmapper.NewDeferredDiscoveryRESTMapper(memory.NewMemCacheClient(e.clients.Discovery()))
	scales, err := scale.NewForConfig(e.config, mapper, dynamic.LegacyAPIPathResolverFunc,
		scale.NewDiscoveryScaleKindResolver(e.clients.Discovery()))
	must(t, err)
	resource := schema.GroupResource{Group: "apps", Resource: "deployments"}
	current, err := scales.Scales(e.namespace).Get(e, resource, "web", metav1.GetOptions{})
	must(t, err)
	current.Spec.Replicas = 3
	_, err = scales.Scales(e.namespace).Update(e, resource, current, metav1.UpdateOptions{})
	must(t, err)
	until(3)
	_, err = e.clients.AppsV1().Deployments(e.namespace).Apply(e, wanted, metav1.ApplyOptions{FieldManager: "two"})
	if !apierrors.IsConflict(err) || !strings.Contains(err.Error(), ".spec.replicas") {
		t.Fatalf("expected a conflict of fields, got %v", err)
	}
	live, err := e.clients.AppsV1().Deployments(e.namespace).Get(e, "web", metav1.GetOptions{})
	must(t, err)
	extracted, err := appsapply.ExtractDeployment(live, "one")
	must(t, err)
	if extracted.Spec == nil || extracted.Spec.Replicas != nil || *extracted.Spec.Template.Spec.Containers[0].Image != "runs" {
		t.Fatalf("extracted: %+v", extracted)
	}
}

// The client prefers CBOR where its feature gates say so (see TestMain); a server that has none answers in JSON.
func TestDynamicClientAndCustomResources(t *testing.T) {
	e := setUp(t, "")
	definitions := apiextensions.NewForConfigOrDie(e.config).ApiextensionsV1().CustomResourceDefinitions()
	group := e.namespace + ".example.com"
	object := apiextensionsv1.JSONSchemaProps{Type: "object", Properties: map[string]apiextensionsv1.JSONSchemaProps{
		"spec": {Type: "object", Properties: map[string]apiextensionsv1.JSONSchemaProps{"size": {Type: "integer"}}}}}
	_, err := definitions.Create(e, &apiextensionsv1.CustomResourceDefinition{
		ObjectMeta: metav1.ObjectMeta{Name: "things." + group},
		Spec: apiextensionsv1.CustomResourceDefinitionSpec{Group: group, Scope: "Namespaced",
			Names: apiextensionsv1.CustomResourceDefinitionNames{Plural: "things", Kind: "Thing"},
			Versions: []apiextensionsv1.CustomResourceDefinitionVersion{{Name: "v1", Served: true, Storage: true,
				Schema: &apiextensionsv1.CustomResourceValidation{OpenAPIV3Schema: &object}}}},
	}, metav1.CreateOptions{})
	must(t, err)
	resource := schema.GroupVersionResource{Group: group, Version: "v1", Resource: "things"}
	client := dynamic.NewForConfigOrDie(e.config)
	things := client.Resource(resource).Namespace(e.namespace)
	thing := func(size any) *unstructured.Unstructured {
		return &unstructured.Unstructured{Object: map[string]any{"apiVersion": group + "/v1", "kind": "Thing",
			"metadata": map[string]any{"name": "one"}, "spec": map[string]any{"size": size}}}
	}
	must(t, wait.PollUntilContextCancel(e, 50*time.Millisecond, true, func(context.Context) (bool, error) {
		_, err := things.Create(e, thing(int64(1)), metav1.CreateOptions{})
		return err == nil || apierrors.IsAlreadyExists(err), nil
	}))
	if _, err = things.Update(e, thing("large"), metav1.UpdateOptions{}); !apierrors.IsInvalid(err) {
		t.Fatalf("expected Invalid, got %v", err)
	}
	applied, err := things.Apply(e, "one", thing(int64(2)), metav1.ApplyOptions{FieldManager: "dynamic", Force: true})
	must(t, err)
	if size, _, _ := unstructured.NestedInt64(applied.Object, "spec", "size"); size != 2 {
		t.Fatalf("size %d", size)
	}
	factory := dynamicinformer.NewFilteredDynamicSharedInformerFactory(client, 0, e.namespace, nil)
	informer := factory.ForResource(resource)
	informer.Informer()
	factory.Start(e.Done())
	factory.WaitForCacheSync(e.Done())
	if _, err := informer.Lister().ByNamespace(e.namespace).Get("one"); err != nil {
		t.Fatal(err)
	}
	partial, err := metadata.NewForConfigOrDie(e.config).Resource(resource).Namespace(e.namespace).List(e, metav1.ListOptions{})
	must(t, err)
	if len(partial.Items) != 1 || partial.Items[0].Name != "one" {
		t.Fatalf("metadata: %v", partial.Items)
	}
	must(t, definitions.Delete(e, "things."+group, metav1.DeleteOptions{}))
}

func TestDiscoveryAndOpenAPI(t *testing.T) {
	e := setUp(t, "")
	cached := memory.NewMemCacheClient(e.clients.Discovery())
	mapper := restmapper.NewDeferredDiscoveryRESTMapper(cached)
	mapping, err := mapper.RESTMapping(schema.GroupKind{Group: "apps", Kind: "StatefulSet"})
	must(t, err)
	if mapping.Resource.Resource != "statefulsets" {
		t.Fatalf("mapped to %v", mapping.Resource)
	}
	expander := restmapper.NewShortcutExpander(mapper, cached, nil)
	if found, err := expander.ResourceFor(schema.GroupVersionResource{Resource: "deploy"}); err != nil || found.Resource != "deployments" {
		t.Fatalf("deploy: %v %v", found, err)
	}
	lists, err := cached.ServerPreferredResources()
	must(t, err)
	if len(lists) < 20 {
		t.Fatalf("%d groups", len(lists))
	}
	version, err := e.clients.Discovery().ServerVersion()
	must(t, err)
	if version.Major != "1" || version.Minor != "36" {
		t.Fatalf("version %v", version)
	}
	paths, err := e.clients.Discovery().OpenAPIV3().Paths()
	must(t, err)
	document, err := paths["apis/apps/v1"].Schema("application/com.github.proto-openapi.spec.v3@v1.0+protobuf")
	must(t, err)
	if len(document) == 0 {
		t.Fatal("an empty document")
	}
	swagger, err := e.clients.Discovery().OpenAPISchema()
	must(t, err)
	if len(swagger.GetDefinitions().GetAdditionalProperties()) < 500 {
		t.Fatal("few definitions")
	}
}

func TestLeaderElectionHandsOver(t *testing.T) {
	e := setUp(t, "")
	leads := make(chan string, 2)
	run := func(ctx context.Context, name string) {
		lock, err := resourcelock.New(resourcelock.LeasesResourceLock, e.namespace, "leader", e.clients.CoreV1(),
			e.clients.CoordinationV1(), resourcelock.ResourceLockConfig{Identity: name})
		if err != nil {
			panic(err)
		}
		leaderelection.RunOrDie(ctx, leaderelection.LeaderElectionConfig{Lock: lock, ReleaseOnCancel: true,
			LeaseDuration: 3 * time.Second, RenewDeadline: 2 * time.Second, RetryPeriod: 200 * time.Millisecond,
			Callbacks: leaderelection.LeaderCallbacks{OnStartedLeading: func(context.Context) { leads <- name },
				OnStoppedLeading: func() {}}})
	}
	first, stop := context.WithCancel(e)
	go run(first, "a")
	if name := <-leads; name != "a" {
		t.Fatalf("%s leads", name)
	}
	go run(e, "b")
	stop()
	select {
	case <-leads:
	case <-e.Done():
		t.Fatal("nobody took over")
	}
}

func TestEventsAreRecorded(t *testing.T) {
	e := setUp(t, "")
	broadcaster := record.NewBroadcaster()
	defer broadcaster.Shutdown()
	broadcaster.StartRecordingToSink(&typedcore.EventSinkImpl{Interface: e.clients.CoreV1().Events(e.namespace)})
	made, err := e.clients.CoreV1().ConfigMaps(e.namespace).Create(e, configMap("one"), metav1.CreateOptions{})
	must(t, err)
	scheme := runtime.NewScheme()
	must(t, corev1.AddToScheme(scheme))
	recorder := broadcaster.NewRecorder(scheme, corev1.EventSource{Component: "tester"})
	for range 3 {
		recorder.Event(made, corev1.EventTypeNormal, "Tested", "it was")
	}
	must(t, wait.PollUntilContextCancel(e, 50*time.Millisecond, true, func(context.Context) (bool, error) {
		list, err := e.clients.CoreV1().Events(e.namespace).List(e, metav1.ListOptions{FieldSelector: "reason=Tested,involvedObject.name=one"})
		return err == nil && len(list.Items) == 1 && list.Items[0].Count == 3, err
	}))
}

func TestImpersonationAndReviews(t *testing.T) {
	e := setUp(t, "")
	other := rest.CopyConfig(e.config)
	other.Impersonate = rest.ImpersonationConfig{UserName: "jane", Groups: []string{"dev"}}
	_, err := kubernetes.NewForConfigOrDie(other).CoreV1().Secrets(e.namespace).List(e, metav1.ListOptions{})
	if !apierrors.IsForbidden(err) || !strings.Contains(err.Error(), `User "jane" cannot list resource "secrets"`) {
		t.Fatalf("expected Forbidden, got %v", err)
	}
	anonymous := rest.AnonymousClientConfig(e.config)
	anonymous.BearerToken = "nonsense"
	_, err = kubernetes.NewForConfigOrDie(anonymous).CoreV1().Secrets(e.namespace).List(e, metav1.ListOptions{})
	if !apierrors.IsUnauthorized(err) {
		t.Fatalf("expected Unauthorized, got %v", err)
	}
}

// The transport reuses one connection for many requests at a time and sees what the server compresses.
func TestLargeAnswersAreCompressed(t *testing.T) {
	e := setUp(t, "application/json")
	_, err := e.clients.CoreV1().ConfigMaps(e.namespace).Create(e, configMap("large", strings.Repeat("text ", 100_000)), metav1.CreateOptions{})
	must(t, err)
	client, err := rest.HTTPClientFor(e.config)
	must(t, err)
	request, err := http.NewRequestWithContext(e, http.MethodGet, e.config.Host+"/api/v1/namespaces/"+e.namespace+"/configmaps/large", nil)
	must(t, err)
	request.Header.Set("Accept-Encoding", "gzip")
	answer, err := client.Do(request)
	must(t, err)
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	must(t, err)
	if answer.Header.Get("Content-Encoding") != "gzip" || len(body) > 50_000 || answer.ProtoMajor != 2 {
		t.Fatalf("%s, %d bytes, HTTP/%d", answer.Header.Get("Content-Encoding"), len(body), answer.ProtoMajor)
	}
}
