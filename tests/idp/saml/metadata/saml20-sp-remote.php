<?php
// The gateway, from its own metadata.
$file = getenv('IDP_HOME') . '/gateway.xml';
if (file_exists($file)) {
    $service = \SimpleSAML\Metadata\SAMLParser::parseFile($file)->getMetadata20SP();
    $metadata[$service['entityid']] = json_decode(getenv('IDP_SETTINGS'), true) + $service;
}
