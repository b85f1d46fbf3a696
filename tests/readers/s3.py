"""A server that keeps files as S3 does: moto's, which says on its standard output on which port it listens, and then each
question that it is asked. The bucket `box` is there."""

import boto3
from moto.server import DomainDispatcherApplication, create_backend_app
from threading import Thread
from werkzeug.serving import make_server

moto = DomainDispatcherApplication(create_backend_app)


def told(environ, begin):
    path = environ["PATH_INFO"] + ("?" + environ["QUERY_STRING"] if environ["QUERY_STRING"] else "")
    if environ.get("HTTP_USER_AGENT", "").startswith("forewarn"):
        print(environ["REQUEST_METHOD"], path, environ.get("CONTENT_LENGTH") or 0, flush=True)
    return moto(environ, begin)


server = make_server("127.0.0.1", 0, told, threaded=True)
serving = Thread(target=server.serve_forever)
serving.start()
url = f"http://127.0.0.1:{server.server_port}"
login = {"aws_access_key_id": "box", "aws_secret_access_key": "secret", "region_name": "us-east-1"}
boto3.client("s3", endpoint_url=url, **login).create_bucket(Bucket="box")
print(server.server_port, flush=True)
serving.join()
