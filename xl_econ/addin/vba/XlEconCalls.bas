Attribute VB_Name = "XlEconCalls"
' A function of a cell, from its arguments to what the cell shows: plain values go over, error texts come back as
' error values, and what was asked a moment ago is not asked again.
Option Explicit
Option Private Module

Private Const PYTHON_MODULE As String = "xl_econ.hosts.udf"
Private Const PYTHON_FUNCTION As String = "CALL"
Private Const LAST_REASONS As String = "WHY"
Private Const SERVER_IS_GONE As Long = 462
Private Const MOST_REMEMBERED As Long = 4096
Private Const MOST_CELLS_IN_KEY As Long = 256
Private Const SECONDS_TO_REMEMBER As Double = 2  ' one recalculation; a rate card may change before the next

Private memo As Object
Private memoFrom As Double

' The answer of the Python function of that name. given is the Array of the wrapper's arguments.
Public Function XlEconCall(ByVal name As String, ByVal given As Variant) As Variant
    Dim values As Variant, key As String, answer As Variant
    On Error GoTo failed
    values = Packed(name, given)
    key = KeyOf(values)
    If Len(key) > 0 Then
        Refresh
        If memo.Exists(key) Then
            XlEconCall = memo.Item(key)
            Exit Function
        End If
    End If
    answer = Shown(Asked(values))
    ' Errors are asked for again, so that WHY can tell their reason; an array is one call anyhow.
    If Len(key) > 0 And Not IsArray(answer) And Not IsError(answer) Then memo.Add key, answer
    XlEconCall = answer
    Exit Function
failed:
    XlEconNote name & ": " & Err.Description
    XlEconCall = CVErr(2015)
    If name = LAST_REASONS Then XlEconCall = Err.Description  ' nobody else can tell what is wrong
End Function

' The arguments of a function that takes any number of them: the first ones, then the rest.
Public Function XlEconJoined(ByVal first As Variant, ByVal rest As Variant) As Variant
    Dim joined() As Variant, n As Long, count As Long
    count = UBound(first) + 1
    ReDim joined(0 To count + UBound(rest))
    For n = 0 To UBound(joined)
        If n < count Then
            Take joined, n, first(n)
        Else
            Take joined, n, rest(n - count)
        End If
    Next n
    XlEconJoined = joined
End Function

Private Sub Take(ByRef values() As Variant, ByVal n As Long, ByVal value As Variant)
    If IsObject(value) Then
        Set values(n) = value
    Else
        values(n) = value
    End If
End Sub

' Forgets every answer: the next recalculation asks anew.
Public Sub XlEconForget()
    Set memo = Nothing
End Sub

' Asks Python. A server that ended (a crash, the task manager) is started again, once.
Private Function Asked(ByRef values As Variant) As Variant
    Dim number As Long, reason As String
    On Error Resume Next
    Asked = XlEconServerObject().CallUDF(PYTHON_MODULE, PYTHON_FUNCTION, Array(values))
    number = Err.Number
    reason = Err.Description
    On Error GoTo 0
    If number = 0 Then Exit Function
    If Not IsGone(number) Then Err.Raise XL_ECON_PROBLEM, "xl_econ", reason
    XlEconDropServer
    Asked = XlEconServerObject().CallUDF(PYTHON_MODULE, PYTHON_FUNCTION, Array(values))
End Function

' 462 and the RPC codes 0x800706BA, 0x800706BE, 0x80010108: nobody answers at the other end.
Private Function IsGone(ByVal number As Long) As Boolean
    IsGone = (number = SERVER_IS_GONE Or number = &H800706BA Or number = &H800706BE Or number = &H80010108)
End Function

' The name, and the arguments as plain values: a range becomes what Value2 holds, so that currency and dates arrive
' as they are; what was left out stays empty, which Python takes for the default.
Private Function Packed(ByVal name As String, ByVal given As Variant) As Variant
    Dim values() As Variant, n As Long
    ReDim values(0 To UBound(given) + 1)
    values(0) = name
    For n = 0 To UBound(given)
        If IsMissing(given(n)) Then
            values(n + 1) = Empty
        ElseIf Not IsObject(given(n)) Then
            values(n + 1) = given(n)
        ElseIf given(n).Areas.Count = 1 Then
            values(n + 1) = given(n).Value2
        Else
            values(n + 1) = CVErr(2015)  ' several ranges at once are no argument
        End If
    Next n
    Packed = values
End Function

' What the cell shows: an error text becomes the error value, alone or in an array of one or two dimensions.
Private Function Shown(ByVal answer As Variant) As Variant
    Dim r As Long, c As Long
    If Not IsArray(answer) Then
        Shown = ErrorOr(answer)
        Exit Function
    End If
    If Dimensions(answer) = 1 Then
        For r = LBound(answer) To UBound(answer)
            answer(r) = ErrorOr(answer(r))
        Next r
    Else
        For r = LBound(answer, 1) To UBound(answer, 1)
            For c = LBound(answer, 2) To UBound(answer, 2)
                answer(r, c) = ErrorOr(answer(r, c))
            Next c
        Next r
    End If
    Shown = answer
End Function

' Excel has more error values than VBA can make in every version; those become #VALUE!, and WHY tells the rest.
Private Function ErrorOr(ByVal value As Variant) As Variant
    ErrorOr = value
    If VarType(value) <> vbString Then Exit Function
    If Left$(value, 1) <> "#" Then Exit Function
    Select Case value
        Case "#NULL!": ErrorOr = CVErr(2000)
        Case "#DIV/0!": ErrorOr = CVErr(2007)
        Case "#VALUE!": ErrorOr = CVErr(2015)
        Case "#REF!": ErrorOr = CVErr(2023)
        Case "#NAME?": ErrorOr = CVErr(2029)
        Case "#NUM!": ErrorOr = CVErr(2036)
        Case "#N/A": ErrorOr = CVErr(2042)
        Case "#SPILL!", "#CALC!", "#FIELD!", "#BLOCKED!", "#CONNECT!", "#UNKNOWN!", "#GETTING_DATA": ErrorOr = CVErr(2015)
    End Select
End Function

Private Function Dimensions(ByRef values As Variant) As Long
    Dim bound As Long
    Dimensions = 1
    On Error Resume Next
    bound = UBound(values, 2)
    If Err.Number = 0 Then Dimensions = 2
End Function

' An answer is remembered for one recalculation and no longer, and never more than a bounded number of them.
Private Sub Refresh()
    Dim age As Double
    age = Timer - memoFrom
    If Not memo Is Nothing Then
        If age >= 0 And age <= SECONDS_TO_REMEMBER And memo.Count < MOST_REMEMBERED Then Exit Sub
    End If
    Set memo = XlEconDictionary()
    memoFrom = Timer
End Sub

' Function and arguments as one text; "" for what is not worth a key.
Private Function KeyOf(ByRef values As Variant) As String
    Dim n As Long, key As String, part As String
    If values(0) = LAST_REASONS Then Exit Function  ' tells what happened last, not what its arguments say
    For n = 0 To UBound(values)
        part = PartOf(values(n))
        If Len(part) = 0 Then Exit Function
        key = key & "|" & part
    Next n
    KeyOf = key
End Function

Private Function PartOf(ByRef value As Variant) As String
    Dim element As Variant, part As String, cells As Long, inner As String
    If Not IsArray(value) Then
        PartOf = ScalarPart(value)
        Exit Function
    End If
    part = "a" & Dimensions(value) & ":" & (UBound(value, 1) - LBound(value, 1)) & ":"
    For Each element In value
        cells = cells + 1
        If cells > MOST_CELLS_IN_KEY Then Exit Function
        inner = ScalarPart(element)
        If Len(inner) = 0 Then Exit Function
        part = part & inner & ","
    Next element
    PartOf = part
End Function

' Type and value. CStr keeps 15 digits of a number; the rest, which is exact, tells two numbers apart that share them.
Private Function ScalarPart(ByRef value As Variant) As String
    Dim text As String
    Select Case VarType(value)
        Case vbString: ScalarPart = "s" & Len(value) & ":" & value
        Case vbEmpty: ScalarPart = "e"
        Case vbBoolean, vbError: ScalarPart = "t" & VarType(value) & ":" & CStr(value)
        Case vbDouble
            text = CStr(value)
            If Abs(value) < 1E+300 Then ScalarPart = "d" & text & ";" & CStr(value - CDbl(text))
        Case vbInteger, vbLong: ScalarPart = "d" & CStr(value) & ";0"
    End Select
End Function
