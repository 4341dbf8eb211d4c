"""What the Kafka backends of the ports share: connection options, errors, the few requests that aiokafka has no public call for."""
