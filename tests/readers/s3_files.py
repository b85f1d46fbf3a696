"""What boto3 finds in the bucket `box` of the server on a port: name, sha256 of the content and of the metadata, media type, a line
each. With a folder as the second argument, the files are put there by their names, too."""

import hashlib
import pathlib
import sys

import boto3

login = {"aws_access_key_id": "box", "aws_secret_access_key": "secret", "region_name": "us-east-1"}
s3 = boto3.client("s3", endpoint_url=f"http://127.0.0.1:{sys.argv[1]}", **login)
for entry in s3.list_objects_v2(Bucket="box").get("Contents", []):
    found = s3.get_object(Bucket="box", Key=entry["Key"])
    content = found["Body"].read()
    print(entry["Key"], hashlib.sha256(content).hexdigest(), found["Metadata"].get("sha256"), found["ContentType"])
    for folder in sys.argv[2:]:
        place = pathlib.Path(folder) / entry["Key"]
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(content)
