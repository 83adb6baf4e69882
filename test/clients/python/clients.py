"""Ordinary use of the Python client against the API server that KUBECONFIG names."""

import threading
import time

from kubernetes import client, config, dynamic, utils, watch
from kubernetes.client.rest import ApiException
from kubernetes.leaderelection import electionconfig, leaderelection
from kubernetes.leaderelection.resourcelock.leaselock import LeaseLock

config.load_kube_config()
core, apps = client.CoreV1Api(), client.AppsV1Api()
namespace = core.create_namespace({"metadata": {"generateName": "python-"}}).metadata.name


def eventually(what, attempt, seconds=60):
    end = time.time() + seconds
    while True:
        try:
            result = attempt()
            if result:
                return result
        except ApiException as error:
            if time.time() > end:
                raise
        assert time.time() < end, what
        time.sleep(0.05)


def refused(status, call, *args, **options):
    try:
        call(*args, **options)
    except ApiException as error:
        assert error.status == status, error
        return error
    raise AssertionError(f"expected {status}")


def config_map(name, **data):
    return {"metadata": {"name": name, "labels": {"of": "test"}}, "data": data}


def objects():
    made = core.create_namespaced_config_map(namespace, config_map("one", text="ä"))
    assert made.data == {"text": "ä"} and made.metadata.creation_timestamp.tzinfo
    refused(409, core.create_namespaced_config_map, namespace, config_map("one"))
    stale = made.metadata.resource_version
    core.patch_namespaced_config_map("one", namespace, {"data": {"text": "two"}})
    made.metadata.resource_version = stale
    refused(409, core.replace_namespaced_config_map, "one", namespace, made)
    error = refused(422, core.create_namespaced_config_map, namespace, config_map("Bad_Name"))
    assert "RFC 1123" in error.body
    first = core.list_namespaced_config_map(namespace, limit=1)
    rest = core.list_namespaced_config_map(namespace, limit=500, _continue=first.metadata._continue)
    assert len(first.items) == 1 and rest.items
    core.delete_namespaced_config_map("one", namespace)
    refused(404, core.read_namespaced_config_map, "one", namespace)


def watching():
    seen = []
    listed = core.list_namespaced_config_map(namespace, label_selector="of=test")
    watcher = watch.Watch()

    def change():
        core.create_namespaced_config_map(namespace, config_map("watched"))
        core.patch_namespaced_config_map("watched", namespace, {"data": {"a": "b"}})
        core.delete_namespaced_config_map("watched", namespace)

    threading.Thread(target=change).start()
    for event in watcher.stream(core.list_namespaced_config_map, namespace, label_selector="of=test",
                                resource_version=listed.metadata.resource_version, timeout_seconds=30):
        seen.append(event["type"])
        if event["type"] == "DELETED":
            watcher.stop()
    assert seen == ["ADDED", "MODIFIED", "DELETED"], seen
    try:
        for event in watch.Watch().stream(core.list_namespaced_config_map, namespace, resource_version="1",
                                          timeout_seconds=2):
            pass
    except ApiException as error:
        assert error.status == 410, error


def workload():
    container = client.V1Container(name="main", image="runs")
    template = client.V1PodTemplateSpec(metadata=client.V1ObjectMeta(labels={"app": "web"}),
                                        spec=client.V1PodSpec(containers=[container]))
    spec = client.V1DeploymentSpec(replicas=2, selector={"matchLabels": {"app": "web"}}, template=template)
    apps.create_namespaced_deployment(namespace, client.V1Deployment(metadata={"name": "web"}, spec=spec))

    def available(count):
        status = apps.read_namespaced_deployment_status("web", namespace).status
        return status.available_replicas == count

    eventually("two pods", lambda: available(2))
    apps.patch_namespaced_deployment_scale("web", namespace, {"spec": {"replicas": 3}})
    eventually("three pods", lambda: available(3))
    pod = core.list_namespaced_pod(namespace, label_selector="app=web").items[0]
    body = client.V1Eviction(metadata=client.V1ObjectMeta(name=pod.metadata.name))
    core.create_namespaced_pod_eviction(pod.metadata.name, namespace, body)
    eventually("the pod to be gone", lambda: pod.metadata.uid not in
               [one.metadata.uid for one in core.list_namespaced_pod(namespace).items])


def dynamic_client():
    group = f"{namespace}.example.com"
    definition = {"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
                  "metadata": {"name": f"things.{group}"},
                  "spec": {"group": group, "scope": "Namespaced", "names": {"plural": "things", "kind": "Thing"},
                           "versions": [{"name": "v1", "served": True, "storage": True,
                                         "schema": {"openAPIV3Schema": {"type": "object", "properties": {
                                             "spec": {"type": "object",
                                                      "properties": {"size": {"type": "integer"}}}}}}}]}}
    utils.create_from_dict(client.ApiClient(), definition)

    def served():
        try:
            return dynamic.DynamicClient(client.ApiClient()).resources.get(api_version=f"{group}/v1", kind="Thing")
        except dynamic.exceptions.ResourceNotFoundError:
            return None

    things = eventually("the resource to be found", served)
    thing = {"apiVersion": f"{group}/v1", "kind": "Thing", "metadata": {"name": "one"}, "spec": {"size": 1}}
    things.create(body=thing, namespace=namespace)
    applied = things.server_side_apply(body={**thing, "spec": {"size": 2}}, namespace=namespace, name="one",
                                       field_manager="python", force_conflicts=True)
    assert applied.spec.size == 2
    thing["spec"]["size"] = "large"
    try:
        things.replace(body={**thing, "metadata": applied.metadata.to_dict()}, namespace=namespace)
        raise AssertionError("a text was taken for a number")
    except dynamic.exceptions.UnprocessibleEntityError:
        pass
    assert [one.metadata.name for one in things.get(namespace=namespace).items] == ["one"]
    client.ApiextensionsV1Api().delete_custom_resource_definition(f"things.{group}")


def leading():
    leads = threading.Event()
    lock = LeaseLock("leader", namespace, "a")
    settings = electionconfig.Config(lock, lease_duration=4, renew_deadline=3, retry_period=1,
                                     onstarted_leading=leads.set, onstopped_leading=None)
    threading.Thread(target=leaderelection.LeaderElection(settings).run, daemon=True).start()
    assert leads.wait(20), "nobody leads"


def told():
    assert client.VersionApi().get_code().minor == "36"
    assert {group.name for group in client.ApisApi().get_api_versions().groups} >= {"apps", "batch"}
    review = client.AuthorizationV1Api().create_self_subject_access_review(
        {"spec": {"resourceAttributes": {"verb": "get", "resource": "pods"}}})
    assert review.status.allowed
    token = core.create_namespaced_service_account_token("default", namespace, {"spec": {}}).status.token
    mine = client.Configuration.get_default_copy()
    mine.cert_file = mine.key_file = None
    mine.api_key = {"authorization": f"Bearer {token}"}
    refused(403, client.CoreV1Api(client.ApiClient(mine)).list_namespaced_secret, namespace)


eventually("the service account", lambda: core.read_namespaced_service_account("default", namespace))
for step in (objects, watching, workload, dynamic_client, leading, told):
    step()
    print("ok", step.__name__, flush=True)
core.delete_namespace(namespace)
