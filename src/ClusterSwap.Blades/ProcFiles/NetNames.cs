// The names of /proc/net/netstat and /proc/net/snmp in their order.
namespace ClusterSwap.Blades.ProcFiles;

/// <summary>Headers of the two files (<c>net/ipv4/proc.c</c>). 6.1 without CONFIG_MPTCP.</summary>
public static class NetNames
{
    private static readonly string[] TcpExt36 = ProcText.Words("""
        SyncookiesSent SyncookiesRecv SyncookiesFailed EmbryonicRsts PruneCalled RcvPruned OfoPruned OutOfWindowIcmps
        LockDroppedIcmps ArpFilter TW TWRecycled TWKilled PAWSPassive PAWSActive PAWSEstab DelayedACKs DelayedACKLocked
        DelayedACKLost ListenOverflows ListenDrops TCPPrequeued TCPDirectCopyFromBacklog TCPDirectCopyFromPrequeue
        TCPPrequeueDropped TCPHPHits TCPHPHitsToUser TCPPureAcks TCPHPAcks TCPRenoRecovery TCPSackRecovery
        TCPSACKReneging TCPFACKReorder TCPSACKReorder TCPRenoReorder TCPTSReorder TCPFullUndo TCPPartialUndo
        TCPDSACKUndo TCPLossUndo TCPLostRetransmit TCPRenoFailures TCPSackFailures TCPLossFailures TCPFastRetrans
        TCPForwardRetrans TCPSlowStartRetrans TCPTimeouts TCPRenoRecoveryFail TCPSackRecoveryFail TCPSchedulerFailed
        TCPRcvCollapsed TCPDSACKOldSent TCPDSACKOfoSent TCPDSACKRecv TCPDSACKOfoRecv TCPAbortOnData TCPAbortOnClose
        TCPAbortOnMemory TCPAbortOnTimeout TCPAbortOnLinger TCPAbortFailed TCPMemoryPressures TCPSACKDiscard
        TCPDSACKIgnoredOld TCPDSACKIgnoredNoUndo TCPSpuriousRTOs TCPMD5NotFound TCPMD5Unexpected TCPSackShifted
        TCPSackMerged TCPSackShiftFallback TCPBacklogDrop TCPMinTTLDrop TCPDeferAcceptDrop IPReversePathFilter
        TCPTimeWaitOverflow TCPReqQFullDoCookies TCPReqQFullDrop TCPRetransFail TCPRcvCoalesce TCPOFOQueue TCPOFODrop
        TCPOFOMerge TCPChallengeACK TCPSYNChallenge TCPFastOpenActive
        """);

    private static readonly string[] TcpExt61 = ProcText.Words("""
        SyncookiesSent SyncookiesRecv SyncookiesFailed EmbryonicRsts PruneCalled RcvPruned OfoPruned OutOfWindowIcmps
        LockDroppedIcmps ArpFilter TW TWRecycled TWKilled PAWSActive PAWSEstab DelayedACKs DelayedACKLocked
        DelayedACKLost ListenOverflows ListenDrops TCPHPHits TCPPureAcks TCPHPAcks TCPRenoRecovery TCPSackRecovery
        TCPSACKReneging TCPSACKReorder TCPRenoReorder TCPTSReorder TCPFullUndo TCPPartialUndo TCPDSACKUndo TCPLossUndo
        TCPLostRetransmit TCPRenoFailures TCPSackFailures TCPLossFailures TCPFastRetrans TCPSlowStartRetrans TCPTimeouts
        TCPLossProbes TCPLossProbeRecovery TCPRenoRecoveryFail TCPSackRecoveryFail TCPRcvCollapsed TCPBacklogCoalesce
        TCPDSACKOldSent TCPDSACKOfoSent TCPDSACKRecv TCPDSACKOfoRecv TCPAbortOnData TCPAbortOnClose TCPAbortOnMemory
        TCPAbortOnTimeout TCPAbortOnLinger TCPAbortFailed TCPMemoryPressures TCPMemoryPressuresChrono TCPSACKDiscard
        TCPDSACKIgnoredOld TCPDSACKIgnoredNoUndo TCPSpuriousRTOs TCPMD5NotFound TCPMD5Unexpected TCPMD5Failure
        TCPSackShifted TCPSackMerged TCPSackShiftFallback TCPBacklogDrop PFMemallocDrop TCPMinTTLDrop TCPDeferAcceptDrop
        IPReversePathFilter TCPTimeWaitOverflow TCPReqQFullDoCookies TCPReqQFullDrop TCPRetransFail TCPRcvCoalesce
        TCPOFOQueue TCPOFODrop TCPOFOMerge TCPChallengeACK TCPSYNChallenge TCPFastOpenActive TCPFastOpenActiveFail
        TCPFastOpenPassive TCPFastOpenPassiveFail TCPFastOpenListenOverflow TCPFastOpenCookieReqd TCPFastOpenBlackhole
        TCPSpuriousRtxHostQueues BusyPollRxPackets TCPAutoCorking TCPFromZeroWindowAdv TCPToZeroWindowAdv
        TCPWantZeroWindowAdv TCPSynRetrans TCPOrigDataSent TCPHystartTrainDetect TCPHystartTrainCwnd
        TCPHystartDelayDetect TCPHystartDelayCwnd TCPACKSkippedSynRecv TCPACKSkippedPAWS TCPACKSkippedSeq
        TCPACKSkippedFinWait2 TCPACKSkippedTimeWait TCPACKSkippedChallenge TCPWinProbe TCPKeepAlive TCPMTUPFail
        TCPMTUPSuccess TCPDelivered TCPDeliveredCE TCPAckCompressed TCPZeroWindowDrop TCPRcvQDrop TCPWqueueTooBig
        TCPFastOpenPassiveAltKey TcpTimeoutRehash TcpDuplicateDataRehash TCPDSACKRecvSegs TCPDSACKIgnoredDubious
        TCPMigrateReqSuccess TCPMigrateReqFailure
        """);

    private static readonly string[] IpExt36 = ProcText.Words("""
        InNoRoutes InTruncatedPkts InMcastPkts OutMcastPkts InBcastPkts OutBcastPkts InOctets OutOctets InMcastOctets
        OutMcastOctets InBcastOctets OutBcastOctets
        """);

    private static readonly string[] IpExt61 =
        [.. IpExt36, .. ProcText.Words("InCsumErrors InNoECTPkts InECT1Pkts InECT0Pkts InCEPkts ReasmOverlaps")];

    private static readonly string[] Ip = ProcText.Words("""
        Forwarding DefaultTTL InReceives InHdrErrors InAddrErrors ForwDatagrams InUnknownProtos InDiscards InDelivers
        OutRequests OutDiscards OutNoRoutes ReasmTimeout ReasmReqds ReasmOKs ReasmFails FragOKs FragFails FragCreates
        """);

    private static readonly string[] IcmpIn = ProcText.Words("InMsgs InErrors");

    private static readonly string[] IcmpTypes = ProcText.Words("""
        DestUnreachs TimeExcds ParmProbs SrcQuenchs Redirects Echos EchoReps Timestamps TimestampReps AddrMasks
        AddrMaskReps
        """);

    private static readonly string[] Tcp = ProcText.Words("""
        RtoAlgorithm RtoMin RtoMax MaxConn ActiveOpens PassiveOpens AttemptFails EstabResets CurrEstab InSegs OutSegs
        RetransSegs InErrs OutRsts
        """);

    private static readonly string[] Udp =
        ProcText.Words("InDatagrams NoPorts InErrors OutDatagrams RcvbufErrors SndbufErrors");

    /// <summary>Tables of /proc/net/netstat: name and columns.</summary>
    public static IReadOnlyList<(string Table, IReadOnlyList<string> Columns)> NetStat(ProcForm form) =>
        form == ProcForm.Linux36
            ? [("TcpExt", TcpExt36), ("IpExt", IpExt36)]
            : [("TcpExt", TcpExt61), ("IpExt", IpExt61)];

    /// <summary>Tables of /proc/net/snmp: name and columns.</summary>
    public static IReadOnlyList<(string Table, IReadOnlyList<string> Columns)> Snmp(ProcForm form)
    {
        var later = form == ProcForm.Linux61;
        string[] icmp =
        [
            .. IcmpIn, .. later ? ["InCsumErrors"] : (string[])[], .. IcmpTypes.Select(type => "In" + type),
            "OutMsgs", "OutErrors", .. IcmpTypes.Select(type => "Out" + type),
        ];
        string[] udp = later ? [.. Udp, "InCsumErrors", "IgnoredMulti", "MemErrors"] : Udp;
        return
        [
            ("Ip", Ip), ("Icmp", icmp), ("Tcp", later ? [.. Tcp, "InCsumErrors"] : Tcp), ("Udp", udp), ("UdpLite", udp),
        ];
    }
}
